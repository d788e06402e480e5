// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"

#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

/// What was seen of one backend.
struct Seen {
    BackendAlias alias;
    std::string type;
    std::vector<Error> faults;
    std::optional<std::size_t> keys;  ///< how many it holds, where it was opened and tells
    std::string opened{};             ///< the label of the key that was opened, to see that its secret is right
    std::string not_opened{};         ///< why none was, where it has some
};

/// The fault that the option "wrapping-key" has by itself; nothing is reached.
std::optional<WrappingKeyName> wrapping_key_of(const Session& session, Seen& seen) {
    try {
        return session.wrapping_key_of(seen.alias);
    } catch(const Error& error) {
        seen.faults.push_back(Error(error.code(), "the wrapping key of backend " + in_quotes(seen.alias.str()) + ": " + error.message(),
                                    error.hint())
                                  .in_backend(seen.alias.str()));
        return std::nullopt;
    }
}

/// Looks the wrapping key up: where there is no key yet, none that is opened shows that it is there. Nobody is asked for its secret.
void open_wrapping_key(Session& session, const WrappingKeyName& name, Seen& seen) {
    if(!session.look_at_secrets(name.backend(), {})) {
        return;
    }
    try {
        static_cast<void>(session.open_wrapper(name));
    } catch(const Error& error) {
        throw Error(error.code(),
                    "the wrapping key " + in_quotes(name.short_name()) + " of backend " + in_quotes(seen.alias.str()) +
                        " cannot be used: " + error.message(),
                    error.hint())
            .with_return_value(error.return_value());
    }
}

/// What is wrong with options together, or with what they say, is told when the backend is made; nothing is reached.
void make(Session& session, Seen& seen) {
    try {
        static_cast<void>(session.backend(seen.alias));
    } catch(const Error& error) {
        seen.faults.push_back(error.in_backend(seen.alias.str()));
    }
}

/// Opens the first key: a listing shows keys whose passphrase is wrong, too. Nobody is asked for one.
void open_one(Session& session, const KeyInfo& first, Seen& seen) {
    if(!session.look_at_secrets(seen.alias, {})) {
        seen.not_opened = "its secret would be asked for";
        return;
    }
    try {
        static_cast<void>(session.backend(seen.alias).use(first.ref, {}));
        seen.opened = first.label;
    } catch(const Error& error) {
        // That a passphrase is given with each call, or that one key is of a kind not known here, is no fault of the settings.
        if(error.code() != Errc::secret_unavailable && error.code() != Errc::unsupported) {
            throw;
        }
        seen.not_opened = error.message();
    }
}

/// Reaches the backend and lists its keys, which takes its secret where it needs one for that.
void open(Session& session, const std::optional<WrappingKeyName>& wrapping_key, Seen& seen) {
    try {
        auto& backend = session.backend(seen.alias);
        static_cast<void>(backend.capabilities());
        if(wrapping_key) {
            open_wrapping_key(session, *wrapping_key, seen);
        }
        if(dynamic_cast<const KeyLister*>(&backend) != nullptr) {
            std::size_t keys = 0;
            std::optional<KeyInfo> first;
            list_pages(backend, {}, [&](const KeyListing& page) {
                keys += page.keys.size();
                seen.faults.insert(seen.faults.end(), page.faults.begin(), page.faults.end());
                if(!first && !page.keys.empty()) {
                    first = page.keys.front();
                }
            });
            seen.keys = keys;
            if(first) {
                open_one(session, *first, seen);
            }
        }
    } catch(const Error& error) {
        seen.faults.push_back(error.in_backend(seen.alias.str()));
    }
}

std::string state_of(const Seen& seen) {
    if(!seen.faults.empty()) {
        return seen.faults.size() == 1 ? "1 fault" : std::to_string(seen.faults.size()) + " faults";
    }
    if(!seen.keys) {
        return "ok";
    }
    return "ok, keys: " + std::to_string(*seen.keys) +
           (seen.opened.empty() ? "" : ", opened " + in_quotes(seen.opened)) +
           (seen.not_opened.empty() ? "" : ", none opened: " + seen.not_opened);
}

void report(const Session& session, const std::vector<Seen>& backends) {
    auto json = Json::array();
    std::vector<Row> rows;
    std::string faults_text;
    const auto tell = [&](const Error& fault) {
        faults_text += "\n" + visible(fault.message()) + "\n" + (fault.hint().empty() ? "" : "  " + visible(fault.hint()) + "\n");
    };
    auto general = Json::array();
    for(const auto& fault : session.configuration().faults) {
        general.push_back(json_of(fault));
        tell(fault);
    }
    bool ok = general.empty();
    for(const auto& seen : backends) {
        auto faults = Json::array();
        for(const auto& fault : seen.faults) {
            faults.push_back(json_of(fault));
            tell(fault);
        }
        ok = ok && seen.faults.empty();
        json.push_back({{"alias", seen.alias.str()},
                        {"type", seen.type},
                        {"ok", seen.faults.empty()},
                        {"keys", seen.keys ? Json(*seen.keys) : Json()},
                        {"opened", seen.opened.empty() ? Json() : Json(seen.opened)},
                        {"faults", std::move(faults)}});
        rows.push_back({seen.alias.str(), seen.type, state_of(seen)});
    }
    const auto& file = session.configuration().file;
    session.report({{"settings", file ? Json(file->string()) : Json()}, {"ok", ok}, {"faults", std::move(general)}, {"backends", std::move(json)}},
                   table({"ALIAS", "TYPE", "STATE"}, rows) + faults_text);
}

void run(Session& session, const Arguments& arguments) {
    const auto& settings = session.configuration().settings;
    auto faults = session.configuration().faults;
    if(settings.backends().empty() && faults.empty()) {
        throw Error(Errc::backend_not_found, "there are no backends to check",
                    session.configuration().file ? "add one; `keyway backend show TYPE` tells what it needs"
                                                 : std::string(no_settings_hint));
    }
    std::vector<Seen> backends;
    // What could not be recorded is not to be used.
    const bool opens = arguments.has("open") && faults.empty();
    for(const auto& [alias, backend] : settings.backends()) {
        Seen seen{.alias = alias, .type = backend.type, .faults = session.types().faults(settings, alias), .keys = {}};
        if(seen.faults.empty()) {
            const auto wrapping_key = wrapping_key_of(session, seen);
            opens && seen.faults.empty() ? open(session, wrapping_key, seen) : make(session, seen);
        }
        faults.insert(faults.end(), seen.faults.begin(), seen.faults.end());
        backends.push_back(std::move(seen));
    }
    report(session, backends);
    if(!faults.empty()) {
        const auto& first = faults.front();
        throw Error(first.code(), faults.size() == 1 ? first.message()
                                                     : "there are " + std::to_string(faults.size()) +
                                                           " faults, the first: " + first.message(),
                    first.hint())
            .in_backend(first.backend());
    }
}

}  // namespace

Command config_check_command() {
    return {.noun = "config",
            .verb = "check",
            .summary = "look whether the settings are well: every option known, in its place and of its form",
            .flags = {{.name = "open",
                       .takes = Takes::nothing,
                       .help = "also reach each backend, list its keys, and open the first of them, which tries the secret of the settings; not one that "
                               "would be asked for, and no other key: key check does that"}},
            .details = "Every fault is shown, with what to do about it. While one concerns no single backend, none is reached. The exit status is 0 when there is none, else that of the "
                       "first. A wrong PIN goes to its token, once.",
            .example = "keyway config check --open",
            .tells_faults = true,
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
