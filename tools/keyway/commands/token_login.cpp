// SPDX-License-Identifier: BSD-2-Clause
#include "../session.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "token_output.hpp"

#include <keyway/core/error.hpp>
#include <keyway/pkcs11/token_admin.hpp>
#include <keyway/pkcs11/uri.hpp>

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

struct Place {
    pkcs11::ModuleName module;
    pkcs11::TokenSelector token;
};

std::optional<std::string> option_of(const BackendSettings& backend, const char* name) {
    const auto found = backend.options.find(name);
    return found == backend.options.end() ? std::nullopt : std::optional(found->second.value);
}

/// The token of the backend, where there is one that fits; the flags say otherwise.
Place place_of(const Session& session, const Arguments& arguments) {
    Place place;
    std::optional<std::string> module = arguments.value("module");
    if(!module) {
        const auto& backend = session.configuration().settings.backend(session.chosen_backend());
        if(backend.type != "hsm") {
            throw Error(Errc::usage, "the backend " + in_quotes(session.chosen_backend().str()) + " is no hsm",
                        "name the backend of the token with --backend, or its module with --module");
        }
        module = option_of(backend, "module");
        place.module.init_args = option_of(backend, "init-args").value_or("");
        place.token.label = option_of(backend, "token-label");
        place.token.serial = option_of(backend, "token-serial");
        if(const auto text = option_of(backend, "token-uri")) {
            const auto uri = pkcs11::Uri::parse(*text);
            module = module ? module : uri.module_path ? uri.module_path : uri.module_name;
            place.token.label = place.token.label ? place.token.label : uri.token;
            place.token.serial = place.token.serial ? place.token.serial : uri.serial;
            place.token.manufacturer = uri.manufacturer;
            place.token.model = uri.model;
        }
    }
    if(const auto label = arguments.value("label")) {
        place.token.label = label;
    }
    if(const auto serial = arguments.value("serial")) {
        place.token.serial = serial;
    }
    if(!module) {
        throw Error(Errc::usage, "there is no module to ask", "name one: --module /usr/lib/softhsm/libsofthsm2.so");
    }
    place.module.value = *module;
    return place;
}

void run(Session& session, const Arguments& arguments) {
    const auto place = place_of(session, arguments);
    const auto pin = [&] {
        return session.secret_or("user-pin", "prompt:", "user PIN of the token " + place.token.to_string(), Asking::once);
    };
    const auto token = pkcs11::log_in_once(place.module, place.token, pin,
                                           arguments.has("last-try") ? pkcs11::LastTry::risk : pkcs11::LastTry::refuse);
    session.report(json_of(token, place.module.value),
                   "the user PIN of token " + in_quotes(token.label) + " is right; the token is " + state_of(token) + "\n");
}

}  // namespace

Command token_login_command() {
    return {.noun = "token",
            .verb = "login",
            .summary = "log in once, to show that the user PIN is right",
            .flags = {backend_flag(),
                      {.name = "module",
                       .value = "PATH",
                       .help = "the module's library, or its name in p11-kit's configuration (default: the backend's)"},
                      {.name = "label", .value = "TEXT", .help = "the token's label"},
                      {.name = "serial", .value = "TEXT", .help = "the token's serial number"},
                      {.name = "user-pin", .value = "SOURCE", .help = "the source of the user PIN (default: prompt:)"},
                      {.name = "last-try",
                       .takes = Takes::nothing,
                       .help = "try it although a wrong PIN would lock the token"}},
            .details = "After a wrong PIN, Keyway does not log in unattended any more, so that no service that is started "
                       "again and again locks the token. This command, which a person gives, does; when the PIN is right, "
                       "the token forgets the wrong one, and services work again.",
            .example = "keyway token login --backend hsm",
            .run = run};
}

}  // namespace keyway::cli
