// SPDX-License-Identifier: BSD-2-Clause
#include "commands.hpp"
#include "common_flags.hpp"
#include "new_key.hpp"

#include <keyway/core/error.hpp>

namespace keyway::cli {

namespace {

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
                               "ed25519, ed448, x25519, x448, ml-dsa-44 (65, 87) or slh-dsa-sha2-128s (shake; 192, 256; f)",
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
