// SPDX-License-Identifier: BSD-2-Clause
#include "plan_json.hpp"

#include "plan.hpp"
#include "plan_text.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace pkcs11_fault {
namespace {

using nlohmann::json;

constexpr std::size_t deepest = 16;

/// "line 3, column 7" of the nth byte, from 1.
[[nodiscard]] std::string position(std::string_view text, std::size_t byte) {
    const auto before = text.substr(0, byte == 0 ? 0 : std::min(byte - 1, text.size()));
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const auto last = before.rfind('\n');
    const auto column = last == std::string_view::npos ? before.size() : before.size() - last - 1;
    return "line " + std::to_string(lines + 1) + ", column " + std::to_string(column + 1);
}

/// Builds the document while it is read, because nlohmann's own builder lets the last of two equal members
/// win.
class Builder : public nlohmann::json_sax<json> {
public:
    explicit Builder(std::string_view text) : text_(text) {}

    [[nodiscard]] json take() { return std::move(root_); }

    bool null() override { return put(nullptr); }
    bool boolean(bool value) override { return put(value); }
    bool number_integer(number_integer_t value) override { return put(value); }
    bool number_unsigned(number_unsigned_t value) override { return put(value); }
    bool number_float(number_float_t value, const string_t& /*text*/) override { return put(value); }
    bool string(string_t& value) override { return put(std::move(value)); }
    bool binary(binary_t& /*value*/) override { return false; }
    bool start_object(std::size_t /*size*/) override { return open(json::object()); }
    bool start_array(std::size_t /*size*/) override { return open(json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& value) override {
        if (open_.back()->contains(value)) {
            throw PlanError(place() + "member " + text::quoted(value) + " is given twice");
        }
        key_ = std::move(value);
        return true;
    }

    bool parse_error(std::size_t byte, const std::string& /*token*/, const json::exception& error) override {
        // nlohmann's text repeats the position in other words, and may hold bytes that are no text.
        std::string_view why = error.what();
        const auto colon = why.find(": ");
        why = colon == std::string_view::npos ? why : why.substr(colon + 2);
        const auto printed = text::quoted(why.substr(0, why.find("; last read")));
        throw PlanError("not JSON at " + position(text_, byte) + ": " +
                        printed.substr(1, printed.size() - 2));
    }

private:
    /// Where the reader is: "faults[2].at: ".
    [[nodiscard]] std::string place() const {
        std::string result;
        for (const auto& step : steps_) {
            result += step.starts_with('[') || result.empty() ? step : "." + step;
        }
        return result.empty() ? result : result + ": ";
    }

    [[nodiscard]] json* add(json value) {
        if (open_.empty()) {
            root_ = std::move(value);
            return &root_;
        }
        json& parent = *open_.back();
        if (parent.is_array()) {
            parent.push_back(std::move(value));
            return &parent.back();
        }
        return &(parent[key_] = std::move(value));
    }

    bool put(json value) {
        static_cast<void>(add(std::move(value)));
        return true;
    }

    bool open(json value) {
        if (open_.size() == deepest) {
            throw PlanError(place() + "nested deeper than " + std::to_string(deepest) + " levels");
        }
        if (!open_.empty()) {
            const json& parent = *open_.back();
            steps_.push_back(parent.is_array() ? "[" + std::to_string(parent.size()) + "]" : key_);
        }
        open_.push_back(add(std::move(value)));
        return true;
    }

    bool close() {
        open_.pop_back();
        if (!steps_.empty()) {
            steps_.pop_back();
        }
        return true;
    }

    std::string_view text_;
    json root_;
    std::vector<json*> open_; // of each only the last is still added to, so that none moves
    std::vector<std::string> steps_;
    std::string key_;
};

} // namespace

json parse_strict_json(std::string_view text) {
    if (text.size() > largest_document) {
        throw PlanError("longer than " + std::to_string(largest_document) + " bytes");
    }
    // nlohmann's reader takes it for the end, whatever follows.
    if (const auto zero = text.find('\0'); zero != std::string_view::npos) {
        throw PlanError("not JSON at " + position(text, zero + 1) + ": a zero byte");
    }
    Builder builder(text);
    if (!json::sax_parse(text, &builder)) {
        throw PlanError("not JSON");
    }
    return builder.take();
}

} // namespace pkcs11_fault
