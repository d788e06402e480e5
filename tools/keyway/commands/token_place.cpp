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

void take(std::optional<std::string>& into, const std::optional<std::string>& from_uri, std::string_view name) {
    if(into && from_uri && *into != *from_uri) {
        throw Error(Errc::invalid_option, "the token URI and the option " + in_quotes(name) + " name different tokens",
                    "keep one of the two");
    }
    if(from_uri) {
        into = from_uri;
    }
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
    place.token.label = option(backend, "token-label");
    place.token.serial = option(backend, "token-serial");
    if(const auto text = option(backend, "token-uri")) {
        const auto uri = pkcs11::Uri::parse(*text);
        take(place.token.label, uri.token, "token-label");
        take(place.token.serial, uri.serial, "token-serial");
        place.token.manufacturer = uri.manufacturer;
        place.token.model = uri.model;
        pin = uri.pin_source;
    }
    place.user_name = option(backend, "user-name").value_or("");
    if(const auto source = option(backend, "user-pin")) {
        pin = SecretSource::parse(*source);
    }
    auto module = module_of(backend);
    if(!module) {
        throw Error(Errc::usage, "the backend " + in_quotes(alias.str()) + " has no PKCS#11 module",
                    "`keyway backend show hsm` tells what it needs");
    }
    place.module = std::move(*module);
    return place;
}

}  // namespace

std::optional<pkcs11::ModuleName> named_module(const Arguments& arguments) {
    auto module = arguments.value("module");
    auto init_args = arguments.value("init-args");
    if(init_args && !module) {
        throw Error(Errc::usage, "--init-args is for the module of --module", "a backend has its own in the setting init-args");
    }
    return module ? std::optional<pkcs11::ModuleName>({std::move(*module), init_args.value_or("")}) : std::nullopt;
}

std::optional<pkcs11::ModuleName> module_of(const BackendSettings& backend) {
    auto module = option(backend, "module");
    if(const auto text = option(backend, "token-uri")) {
        const auto uri = pkcs11::Uri::parse(*text);
        take(module, uri.module_path ? uri.module_path : uri.module_name, "module");
    }
    return module ? std::optional<pkcs11::ModuleName>({std::move(*module), option(backend, "init-args").value_or("")})
                  : std::nullopt;
}

Flag init_args_flag() {
    return {.name = "init-args",
            .value = "TEXT",
            .help = "what the C_Initialize of the module of --module is given; NSS needs configDir='sql:FOLDER'"};
}

std::vector<Flag> token_place_flags() {
    return {{.name = "module",
             .value = "PATH",
             .help = "the module's library, or its name in p11-kit's configuration (default: that of the backend)"},
            init_args_flag(),
            {.name = "label", .value = "TEXT", .help = "the token's label"},
            {.name = "serial", .value = "TEXT", .help = "the token's serial number, where the label is not unique"},
            {.name = "user-name",
             .value = "NAME",
             .help = "the user whose PIN it is, for tokens with several users (default: that of the backend)"},
            backend_flag()};
}

TokenPlace token_place(const Session& session, const Arguments& arguments, const std::optional<std::string>& usual_pin) {
    auto module = named_module(arguments);
    if(module && arguments.has("backend")) {
        throw Error(Errc::usage, "--module and --backend both say where the token is", "keep one of the two");
    }
    std::optional<SecretSource> pin;
    auto place = module ? TokenPlace{.module = std::move(*module), .token = {}, .pin = {}, .is_pin_of_settings = false, .user_name = {}}
                        : place_of(session, session.chosen_backend(), pin);
    for(const auto& [flag, part] :
        {std::pair{"label", &place.token.label}, std::pair{"serial", &place.token.serial}}) {
        if(auto text = arguments.value(flag)) {
            *part = std::move(text);
        }
    }
    if(auto name = arguments.value("user-name")) {
        place.user_name = std::move(*name);
    }
    place.is_pin_of_settings = pin && !arguments.has("user-pin");
    place.pin = [&session, given = arguments.has("user-pin"), pin, usual_pin, token = place.token.to_string()] {
        const auto what = "user PIN of the token " + token;
        if(given || (!pin && usual_pin)) {
            return session.secret_or("user-pin", usual_pin.value_or(""), what, Asking::once);
        }
        if(!pin) {
            throw Error(Errc::usage, "the token wants a login, and no source of its user PIN is given",
                        "give one with --user-pin: env:NAME, file:PATH, fd:N or prompt:");
        }
        return session.secret_of(*pin, what);
    };
    return place;
}

}  // namespace keyway::cli
