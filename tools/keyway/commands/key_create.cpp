// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "new_key.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/store_checker.hpp>
#include <keyway/key/wrapping_key_name.hpp>
#include <keyway/key/wrapping_key_store.hpp>

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

constexpr std::string_view aes = "aes-256";

/// An AES key that wraps other keys has no public half, and so no reference.
void create_wrapping_key(Session& session, const Arguments& arguments) {
    if(arguments.has("out") || arguments.has("purpose")) {
        throw Error(Errc::usage, "an AES key has no reference and no purpose", "leave --out and --purpose away: it is named ALIAS:LABEL");
    }
    const auto alias = session.chosen_backend();
    session.work_with({alias});
    const auto options = session.options(alias, Phase::create);
    const auto label = options.text("label");
    if(!label || options.has("id") || options.has("usage") || options.has("extractable") || options.has("always-authenticate")) {
        throw Error(Errc::invalid_option, "an AES key takes a label and no other option of a new key", "give --label NAME alone");
    }
    auto* const store = dynamic_cast<WrappingKeyStore*>(&session.backend(alias));
    if(store == nullptr) {
        throw Error(Errc::unsupported, "the backend " + in_quotes(alias.str()) + " keeps no AES keys", "a token does");
    }
    const auto name = WrappingKeyName(alias, *label).to_string();
    Json json{{"type", aes}, {"backend", alias.str()}, {"label", *label}, {"name", name}};
    if(arguments.has("dry-run")) {
        if(const auto refused = store->check_new_wrapping_key(*label, session.options_for_use(alias))) {
            throw Error(*refused);
        }
        if(const auto* const checker = dynamic_cast<const StoreChecker*>(&session.backend(alias))) {
            if(const auto fault = checker->check_writable(session.options_for_use(alias))) {
                throw Error(*fault);
            }
        }
        json["dry-run"] = true;
        session.report(json, "would create AES key " + in_quotes(*label) + " in backend " + in_quotes(alias.str()) + "\n");
        return;
    }
    WrappingKeyInfo made;
    session.audited({.operation = "create", .backend = alias.str(), .label = *label}, [&](const AuditEntry&) {
        made = store->create_wrapping_key(*label, session.options_for_use(alias));
        return true;
    }, [&](const AuditEntry&, const Error& error) {
        try {
            store->remove_wrapping_key(made, session.options_for_use(alias));
        } catch(const Error&) {
            throw Error(error.code(),
                        "the AES key " + in_quotes(name) + " was made, but that was not recorded, and it could not be removed again: " +
                            error.message(),
                        error.hint());
        }
    });
    session.report(json, name + "\n");
}

/// Where the backend is away and has a fallback, the real run would go there, and so does this.
void dry_run(Session& session, const NewKey& wanted, std::optional<KeyPurpose> purpose) {
    const auto& settings = session.configuration().settings;
    const auto fallback = purpose ? settings.fallback_of(wanted.backend, *purpose) : std::nullopt;
    try {
        report_dry_run(session, wanted, "create");
    } catch(const Error& error) {
        if(!fallback || error.code() != Errc::token_not_found) {
            throw;
        }
        auto options = session.options(*fallback, Phase::create);
        const auto* const label = session.types().type(settings.backend(*fallback).type).options->find("label");
        if(const auto text = wanted.options.text("label"); text && label != nullptr && !options.has("label")) {
            options.set(*label, {.value = *text, .form = RawOption::Form::text, .origin = wanted.options.find("label")->origin});
        }
        session.warn("the backend " + in_quotes(wanted.backend.str()) + " cannot be reached: " + error.message());
        report_dry_run(session, {*fallback, wanted.spec, std::move(options), Phase::create, wanted.backend}, "create");
    }
}

void run(Session& session, const Arguments& arguments) {
    if(arguments.value("type") == aes) {
        create_wrapping_key(session, arguments);
        return;
    }
    const auto file = reference_file(session, arguments);
    std::optional<KeyPurpose> purpose;
    if(const auto text = arguments.value("purpose")) {
        purpose = parse_key_purpose(*text);
    }
    const auto alias = session.chosen_backend(purpose);
    // Who names a backend wants that one, and no other in its place.
    if(arguments.has("backend") && purpose != KeyPurpose::ca) {
        purpose.reset();
    }
    std::vector<BackendAlias> by_alias;
    if(purpose) {
        if(const auto fallback = session.configuration().settings.fallback_of(alias, *purpose)) {
            by_alias.push_back(*fallback);
        }
    }
    session.work_with({alias}, by_alias);
    const NewKey wanted{alias, KeySpec::parse(arguments.required("type")),
                        session.options(alias, Phase::create), Phase::create};
    require_label(session, wanted);
    if(arguments.has("dry-run")) {
        dry_run(session, wanted, purpose);
        return;
    }
    session.expect_new_key(alias);
    const auto made = make_recorded(session, wanted, "create",
                                    [&] { return session.create(alias, purpose, wanted.spec, wanted.options); });
    hand_out(session, wanted, made, file);
}

}  // namespace

Command key_create_command() {
    auto out = OutputFile::out_flag("also write the key's reference to this file");
    out.required = false;
    return {.noun = "key",
            .verb = "create",
            .summary = "make a key pair and print its reference",
            .flags = {backend_flag(),
                      purpose_flag(),
                      {.name = "type",
                       .value = "TYPE",
                       .help = "rsa-2048, rsa-3072, rsa-4096, p-256, p-384, p-521, secp256k1, "
                               "brainpool-p256r1 (384, 512), "
                               "ed25519, ed448, x25519, x448, ml-dsa-44 (65, 87) or slh-dsa-sha2-128s (shake; 192, 256; f); aes-256 for a key in a "
                               "token that wraps the keys of a database",
                       .required = true},
                      out,
                      OutputFile::force_flag(),
                      dry_run_flag()},
            .backend_phase = Phase::create,
            .details = "The reference is one line of text. It holds no secret, and is what names the key "
                       "from now on: keep "
                       "it.",
            .example = "keyway key create --backend hsm --type p-256 --label root \\\n"
                       "    --user-pin env:HSM_PIN --out root.ref",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
