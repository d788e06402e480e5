// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/hsm/hsm_options_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/key/software_key_internal.hpp>

#include <botan/exceptn.h>
#include <botan/hex.h>

namespace keyway::hsm {

namespace {

constexpr std::size_t longest_id = 255;

std::vector<std::uint8_t> parse_id(const std::string& hex) {
    try {
        auto id = Botan::hex_decode(hex, false);
        if(!id.empty() && id.size() <= longest_id) {
            return id;
        }
    } catch(const Botan::Exception&) {
        // told below
    }
    throw Error(Errc::invalid_option, "the id " + in_quotes(hex) + " is not 1 to 255 bytes in hexadecimal",
                "write for instance 01 or a0b1c2");
}

void take(std::optional<std::string>& into, const std::optional<std::string>& from_uri, const char* name) {
    if(into && from_uri && *into != *from_uri) {
        throw Error(Errc::invalid_option, "the token URI and the option " + in_quotes(name) + " name different tokens",
                    "keep one of the two");
    }
    if(from_uri) {
        into = from_uri;
    }
}

std::uint64_t number_between(const OptionValues& settings, const char* name, std::uint64_t least, std::uint64_t most) {
    const auto number = settings.number(name).value_or(least);
    if(number < least || number > most) {
        throw Error(Errc::invalid_option, "the option " + in_quotes(name) + " is out of range",
                    "use " + std::to_string(least) + " to " + std::to_string(most));
    }
    return number;
}

/// A key made for what no key of its kind does would be found to be of no use only when it is wanted.
void require_possible(const pkcs11::KeyUsage& usage, const KeySpec& spec) {
    const auto type = spec.type();
    const bool on_curve = type == KeyType::ec || type == KeyType::x25519 || type == KeyType::x448;
    const auto refuse = [&](std::string_view what) {
        const std::string can = type == KeyType::rsa ? "sign, decrypt and unwrap"
                                : type == KeyType::ec ? "sign and derive"
                                : spec.can_sign()     ? "sign"
                                                      : "derive (it agrees on secrets with other keys of its type)";
        throw Error(Errc::unsupported, "a key of type " + in_quotes(spec.to_string()) + " cannot " + std::string(what),
                    "it can " + can);
    };
    if(usage.sign && !spec.can_sign()) {
        refuse("sign");
    }
    if(usage.decrypt && type != KeyType::rsa) {
        refuse("decrypt");
    }
    if(usage.unwrap && type != KeyType::rsa) {
        refuse("unwrap");
    }
    if(usage.derive && !on_curve) {
        refuse("derive");
    }
}

}  // namespace

std::shared_ptr<const OptionTable> option_table() {
    const Phases everywhere{Phase::settings, Phase::create, Phase::store, Phase::adopt, Phase::use};
    const Phases making{Phase::create, Phase::store};
    const Phases naming{Phase::create, Phase::store, Phase::adopt};
    return std::make_shared<const OptionTable>(std::initializer_list<OptionSpec>{
        {.name = "module",
         .type = OptionType::text,
         .phases = {Phase::settings},
         .default_value = {},
         .help = "the path of the PKCS#11 module's library, or its name in p11-kit's configuration"},
        {.name = "token-uri",
         .type = OptionType::text,
         .phases = {Phase::settings},
         .default_value = {},
         .help = "the token as a PKCS#11 URI (RFC 7512); it may name the module and the PIN's source too"},
        {.name = "token-label",
         .type = OptionType::text,
         .phases = {Phase::settings},
         .default_value = {},
         .help = "the token's label"},
        {.name = "token-serial",
         .type = OptionType::text,
         .phases = {Phase::settings},
         .default_value = {},
         .help = "the token's serial number, where the label is not unique"},
        {.name = "max-sessions",
         .type = OptionType::number,
         .phases = {Phase::settings},
         .default_value = "16",
         .help = "the most sessions to sign with at the same time"},
        {.name = "session-wait-ms",
         .type = OptionType::number,
         .phases = {Phase::settings},
         .default_value = "10000",
         .help = "how many milliseconds to wait for a free session"},
        {.name = "deadline-ms",
         .type = OptionType::number,
         .phases = {Phase::settings},
         .default_value = "10000",
         .help = "for how many milliseconds an operation tries to get over a fault of the token"},
        {.name = "idle-check-ms",
         .type = OptionType::number,
         .phases = {Phase::settings},
         .default_value = "10000",
         .help = "a session unused for so many milliseconds is asked after before it is used"},
        {.name = "warm-sessions",
         .type = OptionType::number,
         .phases = {Phase::settings},
         .default_value = "0",
         .help = "how many sessions to open ahead, at login"},
        {.name = "verify-signatures",
         .type = OptionType::flag,
         .phases = {Phase::settings},
         .default_value = "false",
         .help = "verify each signature before it is handed out, not just the first after each find"},
        {.name = "session-copies",
         .type = OptionType::flag,
         .phases = {Phase::settings},
         .default_value = "false",
         .help = "sign with copies of the keys in the token's memory, where it makes them; quicker with some"},
        {.name = "quirks",
         .type = OptionType::text,
         .phases = {Phase::settings},
         .default_value = "auto",
         .help = "what the token does otherwise than others: auto, none, a profile's name or file (keyway token quirks)"},
        {.name = "init-args",
         .type = OptionType::text,
         .phases = {Phase::settings},
         .default_value = {},
         .help = "what the module's C_Initialize is given as pReserved; NSS needs configDir='sql:FOLDER'"},
        {.name = "user-pin",
         .type = OptionType::secret_source,
         .phases = everywhere,
         .default_value = {},
         .help = "the source of the token's user PIN"},
        {.name = "user-name",
         .type = OptionType::text,
         .phases = everywhere,
         .default_value = {},
         .help = "the user whose PIN it is, for tokens with several users (C_LoginUser of PKCS#11 3.0)"},
        {.name = "label",
         .type = OptionType::text,
         .phases = naming,
         .default_value = {},
         .help = "the key's label (CKA_LABEL); a new key's is one that no other key of the token has"},
        {.name = "id",
         .type = OptionType::text,
         .phases = naming,
         .default_value = {},
         .help = "the key's id (CKA_ID) in hexadecimal; a new key's is chosen when not given"},
        {.name = "usage",
         .type = OptionType::text,
         .phases = making,
         .default_value = {},
         .help = "what the new key may be used for: sign, decrypt, unwrap, derive, with commas between; sign when not given, derive "
                 "for x25519 and x448"},
        {.name = "extractable",
         .type = OptionType::flag,
         .phases = making,
         .default_value = "false",
         .help = "let the new private key leave the token wrapped; it stays sensitive"},
        {.name = "always-authenticate",
         .type = OptionType::flag,
         .phases = making,
         .default_value = "false",
         .help = "have the token ask for the PIN for each signature of the new key (CKA_ALWAYS_AUTHENTICATE)"},
    });
}

TokenPlace token_place(const OptionValues& settings, const BackendAlias& alias) {
    TokenPlace place;
    auto module = settings.text("module");
    place.token.label = settings.text("token-label");
    place.token.serial = settings.text("token-serial");
    if(const auto text = settings.text("token-uri")) {
        const auto uri = pkcs11::Uri::parse(*text);
        take(place.token.label, uri.token, "token-label");
        take(place.token.serial, uri.serial, "token-serial");
        place.token.manufacturer = uri.manufacturer;
        place.token.model = uri.model;
        take(module, uri.module_path ? uri.module_path : uri.module_name, "module");
        place.pin_of_uri = uri.pin_source;
    }
    if(!module || module->empty()) {
        throw Error(Errc::invalid_option,
                    "the backend " + in_quotes(alias.str()) + " has no PKCS#11 module",
                    "set \"module\" to the library's path, for instance /usr/lib/softhsm/libsofthsm2.so");
    }
    if(!place.token.label && !place.token.serial && !place.token.manufacturer && !place.token.model) {
        throw Error(Errc::invalid_option,
                    "the backend " + in_quotes(alias.str()) + " does not say which token",
                    "set \"token-label\", \"token-serial\" or \"token-uri\"; `keyway token list` shows them");
    }
    place.module = *module;
    place.limits.most_sessions = number_between(settings, "max-sessions", 1, 10'000);
    place.init_args = settings.text("init-args").value_or("");
    constexpr std::uint64_t hour = 3'600'000;
    place.limits.patience = std::chrono::milliseconds(number_between(settings, "session-wait-ms", 0, hour));
    place.limits.deadline = std::chrono::milliseconds(number_between(settings, "deadline-ms", 0, hour));
    place.limits.idle_check = std::chrono::milliseconds(number_between(settings, "idle-check-ms", 0, hour));
    place.limits.warm_sessions = number_between(settings, "warm-sessions", 0, 10'000);
    place.limits.verify_signatures = settings.flag("verify-signatures");
    place.limits.session_copies = settings.flag("session-copies");
    place.limits.quirks = settings.text("quirks").value_or("auto");
    return place;
}

pkcs11::PinProvider pin_provider(const SecretReader& secrets,
                                 const OptionValues& options,
                                 const TokenPlace& place,
                                 const pkcs11::Token& token) {
    auto source = options.secret_source("user-pin");
    if(!source) {
        source = place.pin_of_uri;
    }
    const auto what = "user PIN of " + token.name();
    const auto user_name = options.text("user-name").value_or("");
    using From = pkcs11::PinProvider::From;
    if(!source) {
        return {[what]() -> Secret {
                    throw Error(Errc::secret_unavailable, "no source was given for the " + what,
                                "set \"user-pin\" in the settings, or give --user-pin, as env:NAME, file:PATH, fd:N or prompt:");
                },
                From::source, user_name};
    }
    return {[secrets, source = *source, what] { return secrets.read(source, what); },
            source->kind() == SecretSource::Kind::prompt ? From::person : From::source, user_name};
}

pkcs11::KeySelector adopted_key(const OptionValues& options) {
    pkcs11::KeySelector selector;
    if(const auto id = options.text("id")) {
        selector.id = parse_id(*id);
    }
    if(options.has("label")) {
        selector.label = KeyLabel::of(options).str();
    }
    if(!selector.id && !selector.label) {
        throw Error(Errc::invalid_option, "nothing tells which key of the token to adopt",
                    "give its label, its id, or both; other programs list them, `pkcs11-tool --list-objects` for instance");
    }
    return selector;
}

pkcs11::NewKey new_key(const OptionValues& options, const KeySpec& spec, const std::vector<std::uint8_t>& default_id) {
    pkcs11::NewKey key;
    key.label = KeyLabel::of(options).str();
    const auto id = options.text("id");
    key.id = id ? parse_id(*id) : default_id;
    key.usage = pkcs11::KeyUsage::parse(options.text("usage").value_or(spec.can_sign() ? "sign" : "derive"));
    require_possible(key.usage, spec);
    key.extractable = options.flag("extractable");
    key.always_authenticate = options.flag("always-authenticate");
    return key;
}

}  // namespace keyway::hsm
