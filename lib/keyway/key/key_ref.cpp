// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>
#include <keyway/key/key_ref.hpp>
#include <keyway/options/json_internal.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace keyway {

namespace {

constexpr std::string_view line_prefix = "keyway:1?";
constexpr std::size_t longest_reference = 16UL * 1024UL;

// Names that other programs use for secrets. A locator with such a name is a mistake that would put a secret into a
// text made to be kept and passed on.
constexpr std::array secret_words{"pin", "pass", "secret", "password", "passphrase", "token-pin", "private", "key"};

using Fields = std::map<std::string, std::string, std::less<>>;

Error malformed(const std::string& why) {
    return {Errc::malformed_data, "this is no key reference: " + why,
            "a key reference is what `keyway key create` prints: keyway:1?backend=..., or the same as JSON"};
}

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~' || c == '/';
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string out;
    for(const char c : text) {
        if(is_plain(c)) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += hex[byte >> 4U];
            out += hex[byte & 0x0fU];
        }
    }
    return out;
}

int hex_value(char c) {
    if(c >= '0' && c <= '9') {
        return c - '0';
    }
    if(c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    if(c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

std::string percent_decoded(std::string_view text) {
    std::string out;
    for(std::size_t i = 0; i < text.size(); ++i) {
        if(text[i] != '%') {
            if(!is_plain(text[i])) {
                throw malformed("a character in it has to be written as %XX");
            }
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
        if(high < 0 || low < 0) {
            throw malformed("a % in it is not followed by two hexadecimal digits");
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

void add_field(Fields& fields, const std::string& name, std::string value) {
    if(!fields.emplace(name, std::move(value)).second) {
        throw malformed("it has " + in_quotes(name) + " twice");
    }
}

std::string take(Fields& fields, std::string_view name) {
    const auto found = fields.find(name);
    if(found == fields.end()) {
        throw malformed("it has no " + in_quotes(name));
    }
    auto value = std::move(found->second);
    fields.erase(found);
    return value;
}

KeyRef from_fields(Fields fields) {
    try {
        BackendAlias backend(take(fields, "backend"));
        auto type = take(fields, "type");
        const auto key_name = take(fields, "key");
        const auto fingerprint = SpkiFingerprint::parse(take(fields, "spki-sha256"));
        auto key = KeySpec::parse(key_name);
        std::optional<BackendAlias> fallback_from;
        if(fields.contains("fallback-from")) {
            fallback_from.emplace(take(fields, "fallback-from"));
        }
        KeyLocator locator;
        for(const auto& [name, value] : fields) {
            locator.set(name, value);
        }
        const KeyRef ref(std::move(backend), std::move(type), std::move(key), fingerprint, std::move(locator));
        return fallback_from ? ref.in_place_of(*fallback_from) : ref;
    } catch(const Error& error) {
        if(error.code() == Errc::malformed_data || error.code() == Errc::unsupported) {
            throw;
        }
        throw malformed(error.message());
    }
}

KeyRef from_line(std::string_view line) {
    Fields fields;
    auto rest = line.substr(line_prefix.size());
    while(!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto field = rest.substr(0, end);
        const auto equals = field.find('=');
        if(equals == std::string_view::npos) {
            throw malformed("a part of it has no \"=\"");
        }
        add_field(fields, std::string(field.substr(0, equals)), percent_decoded(field.substr(equals + 1)));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return from_fields(std::move(fields));
}

KeyRef from_json_text(std::string_view text) {
    const auto object = parse_json(text, "the key reference");
    if(!object.is_object()) {
        throw malformed("it is not a JSON object");
    }
    Fields fields;
    for(const auto& [name, value] : object.items()) {
        if(name == "keyway") {
            if(!value.is_number_integer() || value != 1) {
                throw malformed("it is not of version 1");
            }
        } else if(name == "locator" && value.is_object()) {
            for(const auto& [part, text_value] : value.items()) {
                if(!text_value.is_string()) {
                    throw malformed(in_quotes(part) + " is not a text");
                }
                add_field(fields, part, text_value.get<std::string>());
            }
        } else if(value.is_string() &&
                  (name == "backend" || name == "type" || name == "key" || name == "spki-sha256" || name == "fallback-from")) {
            add_field(fields, name, value.get<std::string>());
        } else {
            throw malformed(in_quotes(name) + " is unknown or has the wrong form");
        }
    }
    if(!object.contains("keyway")) {
        throw malformed("it has no \"keyway\" version");
    }
    return from_fields(std::move(fields));
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const auto first = text.find_first_not_of(blank);
    if(first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

}  // namespace

KeyLocator& KeyLocator::set(std::string_view name, std::string_view value) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    if(name.empty() || !std::ranges::all_of(name, allowed) || !is_text(value)) {
        throw Error(Errc::invalid_argument, "a key reference cannot have a part " + in_quotes(name),
                    "names have a-z, 0-9 and hyphens; values are UTF-8");
    }
    const auto speaks_of = [&](std::string_view word) {
        return name == word || name.ends_with("-" + std::string(word)) || name.starts_with(std::string(word) + "-") ||
               (word == "pass" && name.starts_with(word));
    };
    if(std::ranges::any_of(secret_words, speaks_of)) {
        throw Error(Errc::invalid_argument,
                    "a key reference cannot have a part " + in_quotes(name) + ": it must not hold a secret",
                    "give the secret's source in the settings or with the call");
    }
    values_.insert_or_assign(std::string(name), std::string(value));
    return *this;
}

std::optional<std::string> KeyLocator::find(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::nullopt : std::optional(found->second);
}

KeyRef::KeyRef(
    BackendAlias backend, std::string backend_type, KeySpec key, SpkiFingerprint fingerprint, KeyLocator locator)
    : backend_(std::move(backend)),
      backend_type_(std::move(backend_type)),
      key_(std::move(key)),
      fingerprint_(fingerprint),
      locator_(std::move(locator)) {}

KeyRef KeyRef::in_place_of(const BackendAlias& backend) const {
    KeyRef out = *this;
    out.fallback_from_ = backend;
    return out;
}

KeyRef KeyRef::parse(std::string_view text) {
    const auto content = trimmed(text);
    if(content.size() > longest_reference) {
        throw malformed("it is longer than 16 KiB");
    }
    if(content.starts_with(line_prefix)) {
        return from_line(content);
    }
    if(content.starts_with("keyway:")) {
        throw malformed("it is not of version 1");
    }
    if(content.starts_with('{')) {
        return from_json_text(content);
    }
    throw malformed("it begins neither with \"keyway:1?\" nor with \"{\"");
}

std::string KeyRef::to_string() const {
    std::string line(line_prefix);
    line += "backend=" + backend_.str() + "&type=" + percent_encoded(backend_type_) + "&key=" + key_.to_string() +
            "&spki-sha256=" + fingerprint_.to_string();
    if(fallback_from_) {
        line += "&fallback-from=" + fallback_from_->str();
    }
    for(const auto& [name, value] : locator_.values()) {
        line += "&" + name + "=" + percent_encoded(value);
    }
    return line;
}

std::string KeyRef::to_json() const {
    nlohmann::ordered_json object;
    object["keyway"] = 1;
    object["backend"] = backend_.str();
    object["type"] = backend_type_;
    object["key"] = key_.to_string();
    object["spki-sha256"] = fingerprint_.to_string();
    if(fallback_from_) {
        object["fallback-from"] = fallback_from_->str();
    }
    object["locator"] = nlohmann::ordered_json::object();
    for(const auto& [name, value] : locator_.values()) {
        object["locator"][name] = value;
    }
    return object.dump();
}

}  // namespace keyway
