// SPDX-License-Identifier: BSD-2-Clause
#include "configuration.hpp"
#include "signals.hpp"

#include <keyway/core/error.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace keyway::cli {

namespace {

namespace fs = std::filesystem;

std::optional<std::string> environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

const fs::path in_current_folder = "keyway.json";

/// Whether somebody else than this user and root may change it, or what is in it.
bool others_may_change(const char* path) {
    struct stat status {};
    if(::stat(path, &status) != 0) {
        return true;
    }
    // A group with the number of the user is the user's own, on systems that give each one.
    const bool by_group = (status.st_mode & S_IWGRP) != 0 && status.st_gid != 0 && status.st_gid != ::geteuid();
    const bool by_all = (status.st_mode & S_IWOTH) != 0;
    return (status.st_uid != 0 && status.st_uid != ::geteuid()) || by_group || by_all;
}

/// Being in the folder of somebody else is no wish to run what is named there.
void require_own_settings(const fs::path& file) {
    const auto refuse = [&](const std::string& what) {
        return Error(Errc::permissions_insecure, what + " can be changed by other users",
                     "if the settings there are meant, name them: --config " + file.string());
    };
    if(others_may_change(file.c_str())) {
        throw refuse("the settings file " + in_quotes(file.string()) + " in the current folder");
    }
    if(others_may_change(".")) {
        throw refuse("the current folder, where " + in_quotes(file.string()) + " is,");
    }
}

std::vector<SettingsPlace> all_places(const Globals& globals) {
    std::vector<SettingsPlace> places;
    if(globals.config) {
        places.push_back({.from = "--config", .path = *globals.config});
    }
    if(const auto named = environment("KEYWAY_CONFIG")) {
        places.push_back({.from = "$KEYWAY_CONFIG", .path = *named});
    }
    places.push_back({.from = "current folder", .path = in_current_folder});
    if(const auto folder = environment("XDG_CONFIG_HOME")) {
        places.push_back({.from = "user", .path = fs::path(*folder) / "keyway/keyway.json"});
    } else if(const auto home = environment("HOME")) {
        places.push_back({.from = "user", .path = fs::path(*home) / ".config/keyway/keyway.json"});
    }
    places.push_back({.from = "system", .path = "/etc/keyway/keyway.json"});
    return places;
}

/// Marks the place that is used, and those before it. A file that is named is used even where it is missing, which is told
/// when it is read.
std::optional<fs::path> choose_place(std::vector<SettingsPlace>& places) {
    for(auto& place : places) {
        std::error_code error;
        const bool is_named = place.from == "--config" || place.from == "$KEYWAY_CONFIG";
        // Only a named one may be a pipe, <(...): one that lies about would be waited for.
        if(is_named || fs::is_regular_file(place.path, error)) {
            if(!is_named && place.path == in_current_folder) {
                require_own_settings(place.path);
            }
            place.state = SettingsPlace::State::used;
            return place.path;
        }
        place.state = SettingsPlace::State::missing;
    }
    return std::nullopt;
}

/// A copy of the settings that can be changed: Settings takes whole backends only.
class Draft {
public:
    explicit Draft(const Settings& settings)
        : backends_(settings.backends()),
          default_(settings.default_backend()),
          purposes_(settings.backends_by_purpose()),
          audit_(settings.audit()) {}

    /// @param text ALIAS.OPTION=VALUE; the value is not repeated in messages, it may be a secret given by
    /// mistake
    void set(std::string_view text) {
        const auto equals = text.find('=');
        const auto name = text.substr(0, equals);
        const auto dot = name.find('.');
        if(equals == std::string_view::npos || (dot == std::string_view::npos && name != "default-backend")) {
            throw Error(Errc::invalid_option, "--set wants ALIAS.OPTION=VALUE or default-backend=ALIAS",
                        "for instance --set hsm.type=hsm --set hsm.token-label=ca");
        }
        const std::string value(text.substr(equals + 1));
        if(dot == std::string_view::npos) {
            default_ = BackendAlias(value);
            return;
        }
        const std::string option(name.substr(dot + 1));
        auto& backend = backends_[BackendAlias(std::string(name.substr(0, dot)))];
        if(option == "type") {
            backend.type = value;
            return;
        }
        RawOption raw{.value = value,
                      .form = RawOption::Form::text,
                      .origin = {OptionOrigin::Kind::settings, "--set " + std::string(name)}};
        backend.options.insert_or_assign(option, std::move(raw));
    }

    /// @param take does a part, and may go on where that fails: the rest is in the settings then
    template <typename Take>
    [[nodiscard]] Settings settings(const Take& take) const {
        Settings out;
        for(const auto& [alias, backend] : backends_) {
            take([&, &alias = alias, &backend = backend] {
                if(backend.type.empty()) {
                    throw Error(Errc::invalid_option, "the backend " + in_quotes(alias.str()) + " has no type",
                                "add --set " + alias.str() + ".type=TYPE; `keyway backend list` shows the types");
                }
                out.add(alias, backend);
            });
        }
        if(default_) {
            take([&] { out.set_default(*default_); });
        }
        for(const auto& [purpose, alias] : purposes_) {
            take([&, purpose = purpose, &alias = alias] { out.set_for_purpose(purpose, alias); });
        }
        if(audit_) {
            out.set_audit(*audit_);
        }
        return out;
    }

private:
    std::map<BackendAlias, BackendSettings> backends_;
    std::optional<BackendAlias> default_;
    std::map<KeyPurpose, BackendAlias> purposes_;
    std::optional<fs::path> audit_;
};

/// A file that is named and is not there is told as what it is.
void require_there(const fs::path& file, const std::vector<SettingsPlace>& places) {
    std::error_code ignored;
    if(fs::exists(file, ignored) || ignored) {
        return;
    }
    const auto used = std::ranges::find(places, SettingsPlace::State::used, &SettingsPlace::state);
    throw Error(Errc::storage_failed, "there is no settings file " + in_quotes(file.string()),
                "it is named by " + (used == places.end() ? "the call" : used->from) +
                    ": mend the name, or leave it out for the settings that `keyway config path` then shows");
}

/// One record, wherever the command is called: a relative name belongs to the settings file, as long as that is a file in a folder.
fs::path audit_beside(const fs::path& settings, const fs::path& audit) {
    std::error_code ignored;
    return audit.is_absolute() || !fs::is_regular_file(settings, ignored) ? audit : settings.parent_path() / audit;
}

}  // namespace

std::string aliases_in(const Settings& settings) {
    std::string list;
    for(const auto& [alias, backend] : settings.backends()) {
        list += (list.empty() ? "" : ", ") + alias.str();
    }
    return list;
}

Configuration load_configuration(const Globals& globals, Faults faults) {
    Configuration configuration;
    const auto take = [&](const auto& work) {
        try {
            work();
        } catch(const Error& error) {
            if(faults == Faults::end) {
                throw;
            }
            configuration.faults.push_back(error);
        }
    };
    configuration.places = all_places(globals);
    configuration.file = choose_place(configuration.places);
    if(configuration.file) {
        require_there(*configuration.file, configuration.places);
        const SignalsLetThrough signals;  // it may be a pipe that nobody writes to
        configuration.settings = faults == Faults::end ? read_settings(*configuration.file)
                                                       : read_settings(*configuration.file, configuration.faults);
        if(const auto& audit = configuration.settings.audit()) {
            configuration.settings.set_audit(audit_beside(*configuration.file, *audit));
        }
    }
    if(!globals.sets.empty()) {
        Draft draft(configuration.settings);
        for(const auto& text : globals.sets) {
            take([&] { draft.set(text); });
        }
        configuration.settings = draft.settings(take);
    }
    if(globals.audit) {
        configuration.settings.set_audit(*globals.audit);
    }
    return configuration;
}

}  // namespace keyway::cli
