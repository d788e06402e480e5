// SPDX-License-Identifier: BSD-2-Clause
#include "plan_short_form.hpp"

#include "plan.hpp"
#include "plan_faults.hpp"
#include "plan_json.hpp"
#include "plan_schema.hpp"
#include "plan_text.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace pkcs11_fault {
namespace {

using nlohmann::json;

[[nodiscard]] bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }
[[nodiscard]] bool is_end(char c) noexcept { return c == ';' || c == '\n'; }

/// The words of each fault, without their quotes.
[[nodiscard]] std::vector<std::vector<std::string>> split(std::string_view text) {
    std::vector<std::vector<std::string>> faults(1);
    std::size_t i = 0;
    while (i < text.size()) {
        if (is_end(text[i])) {
            faults.emplace_back();
            ++i;
            continue;
        }
        if (is_blank(text[i])) {
            ++i;
            continue;
        }
        std::string word;
        while (i < text.size() && !is_blank(text[i]) && !is_end(text[i])) {
            if (text[i] != '\'') {
                word += text[i++];
                continue;
            }
            const auto closing = text.find('\'', i + 1);
            if (closing == std::string_view::npos) {
                throw PlanError("the quote before " + text::quoted(text.substr(i + 1)) +
                                " is not closed: end it with '");
            }
            word += text.substr(i + 1, closing - i - 1);
            i = closing + 1;
        }
        faults.back().push_back(std::move(word));
    }
    std::erase_if(faults, [](const auto& words) { return words.empty(); });
    return faults;
}

/// A number where the text is one in JSON, otherwise the text, for the parser of plans to refuse.
[[nodiscard]] json number_or_text(const std::string& text) {
    auto value = json::parse(text, nullptr, false);
    return value.is_number() ? value : json(text);
}

[[nodiscard]] std::vector<std::string> comma_list(const std::string& text) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == ',') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

[[nodiscard]] json numbers(const std::string& text) {
    const auto parts = comma_list(text);
    if (parts.size() == 1) {
        return number_or_text(text);
    }
    auto list = json::array();
    for (const auto& part : parts) {
        list.push_back(number_or_text(part));
    }
    return list;
}

[[nodiscard]] json texts(const std::string& text) {
    const auto parts = comma_list(text);
    return parts.size() == 1 ? json(text) : json(parts);
}

/// 10, or normal:10,2
[[nodiscard]] json delay(const std::string& text) {
    const auto colon = text.find(':');
    if (colon == std::string::npos) {
        return number_or_text(text);
    }
    return json{{text.substr(0, colon), numbers(text.substr(colon + 1))}};
}

[[nodiscard]] json value_of(Type type, const std::string& text) {
    switch (type) {
    case Type::boolean: return text == "true" || text == "false" ? json(text == "true") : json(text);
    case Type::count:
    case Type::seed:
    case Type::bytes_less:
    case Type::probability:
    case Type::milliseconds: return number_or_text(text);
    case Type::call_numbers: return numbers(text);
    case Type::delay: return delay(text);
    case Type::functions:
    case Type::mechanisms:
    case Type::attributes:
    case Type::object_classes: return texts(text);
    default: return text;
    }
}

/// How a member of the fault is written; a text where the fault does not know it, for the parser of plans to
/// refuse.
[[nodiscard]] Type type_of(std::string_view fault, std::string_view name) {
    const auto description = std::ranges::find(fault_descriptions(), fault, &FaultDescription::name);
    if (description == fault_descriptions().end()) {
        return Type::text;
    }
    const auto of_fault = std::ranges::find(description->members, name, &Member::name);
    if (of_fault != description->members.end()) {
        return of_fault->type;
    }
    const auto of_trigger = std::ranges::find(trigger_members(), name, &Member::name);
    return of_trigger != trigger_members().end() ? of_trigger->type : Type::text;
}

[[nodiscard]] json fault_as_json(const std::vector<std::string>& words, const std::string& place) {
    json object = {{"fault", words.front()}};
    for (std::size_t i = 1; i < words.size(); ++i) {
        const auto equals = words[i].find('=');
        if (equals == std::string::npos || equals == 0) {
            throw PlanError(place + ": " + text::quoted(words[i]) +
                            " is no member: write name=value, and ; between faults");
        }
        const auto name = words[i].substr(0, equals);
        if (object.contains(name)) {
            throw PlanError(place + ": member " + text::quoted(name) + " is given twice");
        }
        object[name] = value_of(type_of(words.front(), name), words[i].substr(equals + 1));
    }
    return object;
}

/// Where an object in JSON ends that begins at the front: behind the brace that closes it, or at the end.
[[nodiscard]] std::size_t end_of_object(std::string_view text) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            i += c == '\\' ? 1U : 0U;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{') {
            ++depth;
        } else if (c == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return text.size();
}

/// Where a fault in words ends: at a ; or line end that is not in quotes.
[[nodiscard]] std::size_t end_of_words(std::string_view text) {
    bool in_quotes = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        in_quotes = in_quotes != (text[i] == '\'');
        if (!in_quotes && is_end(text[i])) {
            return i;
        }
    }
    return text.size();
}

/// The front of the text up to the end, which is taken from it.
[[nodiscard]] std::string_view take(std::string_view& text, std::size_t end) {
    const auto taken = text.substr(0, end);
    text.remove_prefix(end);
    return taken;
}

void skip_blanks(std::string_view& text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
}

} // namespace

json short_form_as_json(std::string_view text) {
    if (text.size() > largest_document) {
        throw PlanError("longer than " + std::to_string(largest_document) + " bytes");
    }
    if (!text::is_utf8(text)) {
        throw PlanError("not UTF-8");
    }
    auto list = json::array();
    for (skip_blanks(text); !text.empty(); skip_blanks(text)) {
        const auto place = "faults[" + std::to_string(list.size()) + "]";
        if (text.front() == '{') {
            // As in a plan, which is where it was copied from.
            list.push_back(parse_strict_json(take(text, end_of_object(text))));
            skip_blanks(text);
            if (!text.empty() && !is_end(text.front())) {
                throw PlanError(place + ": write ; between faults, also behind one in JSON");
            }
        } else {
            for (const auto& words : split(take(text, end_of_words(text)))) {
                list.push_back(fault_as_json(words, place));
            }
        }
        text.remove_prefix(std::min<std::size_t>(text.size(), 1));
    }
    return list;
}

std::vector<Fault> parse_short_form(std::string_view text) {
    return parse_faults(short_form_as_json(text), "faults", {}, Origin::plan);
}

} // namespace pkcs11_fault
