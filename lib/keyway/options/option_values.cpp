// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>
#include <keyway/options/json_internal.hpp>
#include <keyway/options/option_values.hpp>
#include <keyway/options/suggestion.hpp>

#include <array>
#include <charconv>
#include <utility>

namespace keyway {

namespace {

constexpr std::array all_phases{Phase::settings, Phase::create, Phase::store, Phase::adopt, Phase::use};

std::vector<std::string> names_for(const OptionTable& table, Phase phase) {
    std::vector<std::string> names;
    for(const auto& option : table.options()) {
        if(option.phases.contains(phase)) {
            names.push_back(option.name);
        }
    }
    return names;
}

std::string at(const OptionOrigin& origin) {
    return origin.place.empty() ? std::string() : " (" + origin.place + ")";
}

Error wrong_phase(const OptionSpec& option, Phase phase, const RawOption& raw, std::string_view subject) {
    std::string places;
    for(const auto other : all_phases) {
        if(option.phases.contains(other)) {
            places += (places.empty() ? "" : ", ") + std::string(to_string(other));
        }
    }
    return {Errc::invalid_option,
            "the option " + in_quotes(option.name) + " of " + std::string(subject) + " does not belong in " +
                std::string(to_string(phase)) + at(raw.origin),
            "it belongs in: " + places};
}

Error malformed(const OptionSpec& option, const RawOption& raw, const std::string& wanted) {
    return {Errc::invalid_option, "the option " + in_quotes(option.name) + at(raw.origin) + " is not " + wanted,
            option.help};
}

OptionValues::Value parse_value(const OptionSpec& option, const RawOption& raw) {
    const bool written_as_text = raw.form == RawOption::Form::text;
    switch(option.type) {
        case OptionType::text:
        case OptionType::path:
            if(!written_as_text || !is_text(raw.value)) {
                throw malformed(option, raw, "a text in UTF-8");
            }
            if(option.type == OptionType::path) {
                if(raw.value.empty()) {
                    throw malformed(option, raw, "a path");
                }
                return std::filesystem::path(raw.value);
            }
            return raw.value;
        case OptionType::number: {
            std::uint64_t number = 0;
            const auto* const end = raw.value.data() + raw.value.size();
            const auto result = std::from_chars(raw.value.data(), end, number);
            if(raw.form == RawOption::Form::flag || result.ec != std::errc{} || result.ptr != end) {
                const bool is_negative = raw.form != RawOption::Form::flag && raw.value.starts_with('-');
                throw malformed(option, raw, is_negative ? "a number of 0 or more" : "a whole number");
            }
            return number;
        }
        case OptionType::flag:
            if(raw.form == RawOption::Form::number || (raw.value != "true" && raw.value != "false")) {
                throw malformed(option, raw, "true or false");
            }
            return raw.value == "true";
        case OptionType::secret_source:
            if(!written_as_text) {
                throw malformed(option, raw, "the source of a secret (env:NAME, file:PATH, fd:N or prompt:)");
            }
            if(!is_text(raw.value)) {
                throw malformed(option, raw, "a text in UTF-8");
            }
            try {
                return SecretSource::parse(raw.value);
            } catch(const Error& error) {
                throw Error(error.code(), "option " + in_quotes(option.name) + at(raw.origin) + ": " + error.message(),
                            error.hint());
            }
    }
    throw Error(Errc::internal, "the option " + in_quotes(option.name) + " has no known type");
}

nlohmann::json to_json_value(const OptionValues::Value& value) {
    struct Visitor {
        nlohmann::json operator()(const std::string& text) const { return text; }
        nlohmann::json operator()(const std::filesystem::path& path) const { return path.string(); }
        nlohmann::json operator()(std::uint64_t number) const { return number; }
        nlohmann::json operator()(bool flag) const { return flag; }
        nlohmann::json operator()(const SecretSource& source) const { return source.to_string(); }
    };
    return std::visit(Visitor{}, value);
}

/// @throws Errc::invalid_option
const OptionSpec& require_placed(const OptionTable& table,
                                 Phase phase,
                                 const std::string& name,
                                 const RawOption& option,
                                 std::string_view subject) {
    const auto* const spec = table.find(name);
    if(spec == nullptr) {
        throw Error(Errc::invalid_option, std::string(subject) + " has no option " + in_quotes(name) + at(option.origin),
                    name_hint(name, names_for(table, phase)));
    }
    if(!spec->phases.contains(phase)) {
        throw wrong_phase(*spec, phase, option, subject);
    }
    return *spec;
}

}  // namespace

OptionValues OptionValues::check(const OptionTable& table,
                                 Phase phase,
                                 const RawOptions& raw,
                                 std::string_view subject) {
    OptionValues values;
    for(const auto& [name, option] : raw) {
        values.set(require_placed(table, phase, name, option, subject), option);
    }
    return values;
}

std::vector<Error> OptionValues::faults(const OptionTable& table,
                                        Phase phase,
                                        const RawOptions& raw,
                                        std::string_view subject) {
    std::vector<Error> out;
    for(const auto& [name, option] : raw) {
        try {
            static_cast<void>(parse_value(require_placed(table, phase, name, option, subject), option));
        } catch(const Error& error) {
            out.push_back(error);
        }
    }
    return out;
}

OptionValues OptionValues::completed(const OptionTable& table, Phase phase, const OptionValues& settings) const {
    OptionValues out = *this;
    for(const auto& option : table.options()) {
        if(!option.phases.contains(phase) || out.has(option.name)) {
            continue;
        }
        if(const auto* const entry = settings.find(option.name)) {
            out.entries_.emplace(option.name, *entry);
        } else if(option.default_value) {
            out.set(option, {.value = *option.default_value,
                             .form = RawOption::Form::text,
                             .origin = {OptionOrigin::Kind::default_value, {}}});
        }
    }
    return out;
}

void OptionValues::set(const OptionSpec& option, const RawOption& raw) {
    entries_.insert_or_assign(option.name, Entry{parse_value(option, raw), raw.origin});
}

const OptionValues::Entry* OptionValues::find(std::string_view name) const noexcept {
    const auto found = entries_.find(name);
    return found == entries_.end() ? nullptr : &found->second;
}

template <typename T>
std::optional<T> OptionValues::get(std::string_view name) const {
    const auto* const entry = find(name);
    if(entry == nullptr) {
        return std::nullopt;
    }
    if(const auto* const value = std::get_if<T>(&entry->value)) {
        return *value;
    }
    throw Error(Errc::internal, "the option " + in_quotes(name) + " was read as another type than it has");
}

std::optional<std::string> OptionValues::text(std::string_view name) const {
    return get<std::string>(name);
}

std::optional<std::filesystem::path> OptionValues::path(std::string_view name) const {
    return get<std::filesystem::path>(name);
}

std::optional<std::uint64_t> OptionValues::number(std::string_view name) const {
    return get<std::uint64_t>(name);
}

bool OptionValues::flag(std::string_view name) const {
    return get<bool>(name).value_or(false);
}

std::optional<SecretSource> OptionValues::secret_source(std::string_view name) const {
    return get<SecretSource>(name);
}

std::string OptionValues::to_json() const {
    auto object = nlohmann::json::object();
    for(const auto& [name, entry] : entries_) {
        object[name] = to_json_value(entry.value);
    }
    return object.dump();
}

OptionValues OptionValues::from_json(const OptionTable& table,
                                     Phase phase,
                                     std::string_view json,
                                     std::string_view subject) {
    const auto object = parse_json(json, "the list of options of " + std::string(subject));
    if(!object.is_object()) {
        throw Error(Errc::malformed_data, "the options of " + std::string(subject) + " are not a JSON object");
    }
    RawOptions raw;
    for(const auto& [name, value] : object.items()) {
        raw.emplace(name, to_raw_option(name, value, subject, {}));
    }
    return check(table, phase, raw, subject);
}

}  // namespace keyway
