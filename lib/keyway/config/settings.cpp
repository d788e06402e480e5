// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/config/settings.hpp>
#include <keyway/core/error.hpp>
#include <keyway/core/file_io.hpp>
#include <keyway/options/json_internal.hpp>
#include <keyway/options/suggestion.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace keyway {

namespace {

constexpr std::size_t largest_settings = 1024UL * 1024UL;
constexpr std::size_t longest_alias = 40;

Error wrong_form(std::string_view place, std::string_view name, std::string_view wanted) {
    return {Errc::invalid_option,
            std::string(place) + ": " + in_quotes(name) + " is not " + std::string(wanted),
            "see docs/formats.md, settings"};
}

/// An object of purposes and aliases.
std::map<KeyPurpose, BackendAlias> parse_purposes(const nlohmann::json& object, std::string_view name, std::string_view place) {
    if(!object.is_object()) {
        throw wrong_form(place, name, "an object of purposes and aliases");
    }
    std::map<KeyPurpose, BackendAlias> out;
    for(const auto& [purpose, alias] : object.items()) {
        if(!alias.is_string()) {
            throw wrong_form(place, purpose, "the alias of a backend");
        }
        out.emplace(parse_key_purpose(purpose), BackendAlias(alias.get<std::string>()));
    }
    return out;
}

BackendSettings parse_backend(const BackendAlias& alias, const nlohmann::json& object, std::string_view place) {
    const auto subject = "backend " + in_quotes(alias.str());
    if(!object.is_object() || !object.contains("type") || !object["type"].is_string()) {
        throw Error(Errc::invalid_option,
                    std::string(place) + ": " + subject + " is not an object with a \"type\"",
                    "give it a type: hsm, file or database");
    }
    BackendSettings backend;
    backend.type = object["type"].get<std::string>();
    for(const auto& [name, value] : object.items()) {
        if(name == "fallback") {
            backend.fallbacks = parse_purposes(value, name, place);
        } else if(name != "type") {
            OptionOrigin origin{OptionOrigin::Kind::settings,
                                std::string(place) + ": backends." + alias.str() + "." + name};
            backend.options.emplace(name, to_raw_option(name, value, subject, std::move(origin)));
        }
    }
    return backend;
}

}  // namespace

std::string_view to_string(KeyPurpose purpose) noexcept {
    switch(purpose) {
        case KeyPurpose::ca:
            return "ca";
        case KeyPurpose::ocsp:
            return "ocsp";
        case KeyPurpose::leaf:
            return "leaf";
    }
    return "";
}

KeyPurpose parse_key_purpose(std::string_view text) {
    for(const auto purpose : {KeyPurpose::ca, KeyPurpose::ocsp, KeyPurpose::leaf}) {
        if(text == to_string(purpose)) {
            return purpose;
        }
    }
    throw Error(Errc::invalid_option, in_quotes(text) + " is no purpose of a key", name_hint(text, {"ca", "ocsp", "leaf"}));
}

BackendAlias::BackendAlias(std::string name) : name_(std::move(name)) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    if(name_.empty() || name_.size() > longest_alias || name_.front() < 'a' || name_.front() > 'z' ||
       !std::ranges::all_of(name_, allowed)) {
        throw Error(Errc::invalid_argument,
                    in_quotes(name_) + " is no backend alias",
                    "use at most 40 of a-z, 0-9 and hyphens, beginning with a letter");
    }
}

Settings Settings::parse(std::string_view json, std::string_view place) {
    std::vector<Error> faults;
    auto settings = parse(json, place, faults);
    if(!faults.empty()) {
        throw Error(faults.front());
    }
    return settings;
}

Settings Settings::parse(std::string_view json, std::string_view place, std::vector<Error>& faults) {
    const auto root = parse_json(json, place);
    if(!root.is_object()) {
        throw Error(Errc::malformed_data, std::string(place) + " is not a JSON object", "see docs/formats.md, settings");
    }
    const auto take = [&](const auto& work) {
        try {
            work();
        } catch(const Error& error) {
            faults.push_back(error);
        }
    };
    Settings settings;
    std::map<KeyPurpose, BackendAlias> purposes;
    const auto take_setting = [&](const std::string& name, const nlohmann::json& value) {
        if(name == "version") {
            if(!value.is_number_integer() || value != 1) {
                throw Error(Errc::malformed_data,
                            std::string(place) + " has a version other than 1",
                            "it was written for another version of keyway");
            }
        } else if(name == "backends") {
            if(!value.is_object()) {
                throw wrong_form(place, name, "an object of aliases and backends");
            }
            for(const auto& [alias, backend] : value.items()) {
                take([&, &alias = alias, &backend = backend] {
                    const BackendAlias checked(alias);
                    settings.add(checked, parse_backend(checked, backend, place));
                });
            }
        } else if(name == "backends-by-purpose") {
            purposes = parse_purposes(value, name, place);
        } else if(name == "audit") {
            if(!value.is_string() || value.get<std::string>().empty() || value.get<std::string>().find('\0') != std::string::npos) {
                throw wrong_form(place, name, "the name of a file");
            }
            settings.set_audit(value.get<std::string>());
        } else if(name == "default-backend") {
            if(!value.is_string()) {
                throw wrong_form(place, name, "the alias of a backend");
            }
        } else {
            throw Error(Errc::invalid_option,
                        std::string(place) + " has no setting " + in_quotes(name),
                        name_hint(name, {"audit", "backends", "backends-by-purpose", "default-backend", "version"}));
        }
    };
    for(const auto& [name, value] : root.items()) {
        take([&, &name = name, &value = value] { take_setting(name, value); });
    }
    if(root.contains("default-backend") && root["default-backend"].is_string()) {
        take([&] { settings.set_default(BackendAlias(root["default-backend"].get<std::string>())); });
    }
    for(const auto& [purpose, alias] : purposes) {
        take([&, purpose = purpose, &alias = alias] { settings.set_for_purpose(purpose, alias); });
    }
    for(const auto& [alias, backend] : settings.backends()) {
        for(const auto& [purpose, fallback] : backend.fallbacks) {
            take([&, purpose = purpose, &alias = alias] { static_cast<void>(settings.fallback_of(alias, purpose)); });
        }
    }
    return settings;
}

void Settings::add(const BackendAlias& alias, BackendSettings backend) {
    backends_.insert_or_assign(alias, std::move(backend));
}

void Settings::set_default(const BackendAlias& alias) {
    static_cast<void>(backend(alias));
    default_ = alias;
}

void Settings::set_for_purpose(KeyPurpose purpose, const BackendAlias& alias) {
    static_cast<void>(backend(alias));
    purposes_.insert_or_assign(purpose, alias);
}

void Settings::set_audit(std::filesystem::path file) {
    audit_ = std::move(file);
}

std::optional<BackendAlias> Settings::backend_for(KeyPurpose purpose) const {
    const auto found = purposes_.find(purpose);
    return found == purposes_.end() ? default_backend() : found->second;
}

std::optional<BackendAlias> Settings::fallback_of(const BackendAlias& alias, KeyPurpose purpose) const {
    const auto& fallbacks = backend(alias).fallbacks;
    const auto found = fallbacks.find(purpose);
    if(found == fallbacks.end()) {
        return std::nullopt;
    }
    if(purpose == KeyPurpose::ca) {
        throw Error(Errc::invalid_option, "the backend " + in_quotes(alias.str()) + " has a fallback for keys of CAs",
                    "keys of CAs are made where they are meant to be, or not at all: take \"ca\" out of its \"fallback\"")
            .in_backend(alias.str());
    }
    if(found->second == alias) {
        throw Error(Errc::invalid_option, "the backend " + in_quotes(alias.str()) + " is its own fallback",
                    "name another one, or none")
            .in_backend(alias.str());
    }
    static_cast<void>(backend(found->second));
    return found->second;
}

std::optional<BackendAlias> Settings::default_backend() const {
    if(default_) {
        return default_;
    }
    if(const BackendAlias usual("default"); backends_.contains(usual)) {
        return usual;
    }
    if(backends_.size() == 1) {
        return backends_.begin()->first;
    }
    return std::nullopt;
}

const BackendSettings& Settings::backend(const BackendAlias& alias) const {
    const auto found = backends_.find(alias);
    if(found == backends_.end()) {
        std::vector<std::string> known;
        for(const auto& [name, settings] : backends_) {
            known.push_back(name.str());
        }
        throw Error(Errc::backend_not_found,
                    "there is no backend " + in_quotes(alias.str()) + " in the settings",
                    name_hint(alias.str(), known));
    }
    return found->second;
}

Settings read_settings(const std::filesystem::path& file) {
    std::vector<Error> faults;
    auto settings = read_settings(file, faults);
    if(!faults.empty()) {
        throw Error(faults.front());
    }
    return settings;
}

Settings read_settings(const std::filesystem::path& file, std::vector<Error>& faults) {
    const auto bytes = read_file(file, largest_settings);
    std::error_code ignored;
    const auto others = std::filesystem::status(file, ignored).permissions() & std::filesystem::perms::others_write;
    if(others != std::filesystem::perms::none) {
        // They name the module that is loaded into this process.
        throw Error(Errc::permissions_insecure, "the settings " + in_quotes(file.string()) + " can be changed by every user",
                    "chmod o-w " + file.string());
    }
    return Settings::parse({static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()},
                           file.string(), faults);
}

}  // namespace keyway
