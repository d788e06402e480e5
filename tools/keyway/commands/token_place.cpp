// SPDX-License-Identifier: BSD-2-Clause
#include "token_place.hpp"

#include "common_flags.hpp"

#include <keyway/core/error.hpp>

namespace keyway::cli {

namespace {

std::optional<std::string> option(const BackendSettings& backend, std::string_view name) {
    const auto found = backend.options.find(name);
    return found == backend.options.end() ? std::nullopt : std::optional(found->second.value);
}

/// Where a backend of type hsm has its token.
TokenPlace place_of(const Session& session, const BackendAlias& alias, std::optional<SecretSource>& pin) {
    const auto& backend = session.configuration().settings.backend(alias);
    if(backend.type != "hsm") {
        throw Error(Errc::usage, "the backend " + in_quotes(alias.str()) + " is of type " + in_quotes(backend.type) +
                                     ", which has no token",
                    "name one of type hsm with --backend, or a module with --module");
    }
    TokenPlace place;
    auto module = option(backend, "module");
    place.token.label = option(backend, "token-label");
    place.token.serial = option(backend, "token-serial");
    if(const auto text = option(backend, "token-uri")) {
        const auto uri = pkcs11::Uri::parse(*text);
        module = uri.module_path ? uri.module_path : uri.module_name ? uri.module_name : module;
        place.token.label = uri.token ? uri.token : place.token.label;
        place.token.serial = uri.serial ? uri.serial : place.token.serial;
        place.token.manufacturer = uri.manufacturer;
        place.token.model = uri.model;
        pin = uri.pin_source;
    }
    if(const auto source = option(backend, "user-pin")) {
        pin = SecretSource::parse(*source);
    }
    if(!module) {
        throw Error(Errc::usage, "the backend " + in_quotes(alias.str()) + " has no PKCS#11 module",
                    "`keyway backend show hsm` tells what it needs");
    }
    place.module = *module;
    return place;
}

}  // namespace

std::vector<Flag> token_place_flags() {
    return {{.name = "module",
             .value = "PATH",
             .help = "the module's library, or its name in p11-kit's configuration (default: that of the backend)"},
            {.name = "label", .value = "TEXT", .help = "the token's label"},
            {.name = "serial", .value = "TEXT", .help = "the token's serial number, where the label is not unique"},
            {.name = "user-pin", .value = "SOURCE", .help = "the source of the token's user PIN (default: that of the backend)"},
            backend_flag()};
}

TokenPlace token_place(const Session& session, const Arguments& arguments) {
    const auto module = arguments.value("module");
    if(module && arguments.has("backend")) {
        throw Error(Errc::usage, "--module and --backend both say where the token is", "keep one of the two");
    }
    std::optional<SecretSource> pin;
    auto place = module ? TokenPlace{.module = *module, .token = {}, .pin = {}}
                        : place_of(session, session.chosen_backend(), pin);
    for(const auto& [flag, part] :
        {std::pair{"label", &place.token.label}, std::pair{"serial", &place.token.serial}}) {
        if(auto text = arguments.value(flag)) {
            *part = std::move(text);
        }
    }
    place.pin = [&session, given = arguments.has("user-pin"), pin] {
        if(given) {
            return session.secret("user-pin", "user PIN of the token", Asking::once);
        }
        if(!pin) {
            throw Error(Errc::usage, "the token wants a login, and no source of its user PIN is given",
                        "give one with --user-pin: env:NAME, file:PATH, fd:N or prompt:");
        }
        return session.secret_of(*pin, "user PIN of the token");
    };
    return place;
}

}  // namespace keyway::cli
