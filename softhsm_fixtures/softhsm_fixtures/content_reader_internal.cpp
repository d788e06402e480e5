// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/content_reader_internal.hpp>

#include <softhsm_fixtures/errors.hpp>

#include <algorithm>
#include <set>

namespace softhsm_fixtures::internal {

using nlohmann::json;

namespace {

constexpr int deepest = 8;

/// What nlohmann says about a mistake without its own numbering: "line 2, column 3: syntax error ...". Nor with what
/// it has read last, which may be a key.
[[nodiscard]] std::string explanation(const json::exception& error) {
    std::string text = error.what();
    text.erase(std::min(text.find("; last read: "), text.size()));
    if (const auto at = text.find("at line "); at != std::string::npos) {
        return text.substr(at + 3);
    }
    return text;
}

} // namespace

json parse_json(std::string_view text) {
    if (text.size() > largest_list) {
        throw InvalidContent("the content is larger than " + std::to_string(largest_list >> 20U) + " MiB");
    }
    // nlohmann takes it for the end, whatever follows.
    if (text.find('\0') != std::string_view::npos) {
        throw InvalidContent("the content is not JSON: it holds a zero byte");
    }
    // By depth: the members seen so far, as nlohmann would let the last of two equal ones win.
    std::vector<std::set<std::string>> seen(deepest + 2);
    const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
        if (depth > deepest) {
            throw InvalidContent("the content is nested deeper than " + std::to_string(deepest) + " levels");
        }
        const auto level = static_cast<std::size_t>(depth);
        if (event == json::parse_event_t::object_start) {
            seen[level + 1].clear();
        } else if (event == json::parse_event_t::key &&
                   !seen[level].insert(parsed.get<std::string>()).second) {
            throw InvalidContent("the content gives the member " + in_quotes(parsed.get<std::string>()) +
                                 " twice in one object");
        }
        return true;
    };
    try {
        return json::parse(text.begin(), text.end(), watch);
    } catch (const json::exception& error) {
        throw InvalidContent("the content is not JSON: " + explanation(error));
    }
}

std::string in_quotes(std::string_view text) {
    constexpr std::size_t longest = 80;
    std::string quoted = "\"";
    for (const char character : text.substr(0, longest)) {
        const bool control = static_cast<unsigned char>(character) < 0x20U || character == '\x7f';
        quoted += control ? '?' : character;
    }
    return quoted + (text.size() > longest ? "...\"" : "\"");
}

std::string joined(const std::vector<std::string_view>& names) {
    std::string list;
    for (const auto name : names) {
        list.append(list.empty() ? "" : ", ").append(name);
    }
    return list;
}

std::optional<Bytes> from_hex(std::string_view text) {
    const auto value_of = [](char digit) -> int {
        if (digit >= '0' && digit <= '9') {
            return digit - '0';
        }
        if (digit >= 'a' && digit <= 'f') {
            return digit - 'a' + 10;
        }
        if (digit >= 'A' && digit <= 'F') {
            return digit - 'A' + 10;
        }
        return -1;
    };
    if (text.size() % 2 != 0) {
        return std::nullopt;
    }
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = value_of(text[i]);
        const int low = value_of(text[i + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        bytes.push_back(static_cast<std::uint8_t>(high * 16 + low));
    }
    return bytes;
}

std::string to_hex(const Bytes& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        text.push_back(digits[byte / 16U]);
        text.push_back(digits[byte % 16U]);
    }
    return text;
}

std::size_t known_word(const std::string& place, std::string_view what, std::string_view word,
                       const std::vector<std::string_view>& known) {
    const auto found = std::find(known.begin(), known.end(), word);
    if (found == known.end()) {
        throw InvalidContent(place + ": unknown " + std::string(what) + " " + in_quotes(word) +
                             "; known are " + joined(known));
    }
    return static_cast<std::size_t>(found - known.begin());
}

ObjectReader::ObjectReader(const json& object, std::string place)
    : object_(&object), place_(std::move(place)) {
    if (!object.is_object()) {
        refuse("is not an object in braces");
    }
}

void ObjectReader::refuse(const std::string& why) const { throw InvalidContent(place_ + ": " + why); }

void ObjectReader::allow_only(const std::vector<std::string_view>& known, std::string_view what) const {
    for (const auto& [member, value] : object_->items()) {
        static_cast<void>(known_word(place_, what, member, known));
    }
}

std::optional<std::string> ObjectReader::text(const std::string& member, std::size_t longest) const {
    if (!has(member)) {
        return std::nullopt;
    }
    if (!at(member).is_string()) {
        refuse("\"" + member + "\" is not a text in quotes");
    }
    auto value = at(member).get<std::string>();
    if (value.size() > longest) {
        refuse("\"" + member + "\" is longer than " + std::to_string(longest) + " bytes");
    }
    return value;
}

std::optional<std::int64_t> ObjectReader::number(const std::string& member, std::int64_t least,
                                                 std::int64_t most) const {
    if (!has(member)) {
        return std::nullopt;
    }
    const json& value = at(member);
    const bool fits = value.is_number_integer() &&
                      !(value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) &&
                      value.get<std::int64_t>() >= least && value.get<std::int64_t>() <= most;
    if (!fits) {
        refuse("\"" + member + "\" is not a whole number from " + std::to_string(least) + " to " +
               std::to_string(most));
    }
    return value.get<std::int64_t>();
}

std::optional<bool> ObjectReader::flag(const std::string& member) const {
    if (!has(member)) {
        return std::nullopt;
    }
    if (!at(member).is_boolean()) {
        refuse("\"" + member + "\" is neither true nor false");
    }
    return at(member).get<bool>();
}

std::vector<std::string> ObjectReader::texts(const std::string& member) const {
    constexpr std::size_t most = 100;
    std::vector<std::string> values;
    if (!has(member)) {
        return values;
    }
    if (!at(member).is_array() || at(member).size() > most) {
        refuse("\"" + member + "\" is not a list of at most " + std::to_string(most) + " texts");
    }
    for (const json& value : at(member)) {
        if (!value.is_string() || value.get_ref<const std::string&>().empty() ||
            value.get_ref<const std::string&>().size() > longest_text) {
            refuse("\"" + member + "\" holds something else than a text of 1 to " +
                   std::to_string(longest_text) + " bytes");
        }
        values.push_back(value.get<std::string>());
    }
    return values;
}

std::optional<Bytes> ObjectReader::hex(const std::string& member, std::size_t longest) const {
    const auto digits = text(member, 2 * longest);
    if (!digits) {
        return std::nullopt;
    }
    auto bytes = from_hex(*digits);
    if (!bytes) {
        refuse("\"" + member + "\" is not an even number of hexadecimal digits");
    }
    return bytes;
}

std::optional<std::size_t> ObjectReader::word(const std::string& member,
                                              const std::vector<std::string_view>& known) const {
    const auto value = text(member);
    if (!value) {
        return std::nullopt;
    }
    return known_word(place_, member, *value, known);
}

} // namespace softhsm_fixtures::internal
