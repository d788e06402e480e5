// SPDX-License-Identifier: BSD-2-Clause
#include "../input_file.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "new_key.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/private_key_file.hpp>
#include <keyway/x509/pem.hpp>

namespace keyway::cli {

namespace {

std::unique_ptr<Botan::Private_Key> read_key(const Session& session, const Arguments& arguments) {
    const auto name = arguments.required("in");
    const auto bytes = read_input(name);
    return read_private_key(bytes, name, [&] {
        const auto what = "passphrase of " + in_quotes(name);
        if(arguments.has("in-passphrase")) {
            return session.secret("in-passphrase", what, Asking::once);
        }
        throw Error(Errc::secret_unavailable, in_quotes(name) + " is encrypted, and no passphrase was given",
                    "give its source with --in-passphrase (env:NAME, file:PATH, fd:N or prompt:)");
    });
}

void require_same_key(const Botan::Private_Key& key, const std::string& key_name,
                      const std::string& certificate_name) {
    const auto certificate =
        read_input_as(certificate_name, [](const auto& bytes) { return x509::read_certificate(bytes); });
    const auto certified = SpkiFingerprint::of(*certificate.subject_public_key());
    const auto given = SpkiFingerprint::of(key);
    if(certified != given) {
        throw Error(Errc::key_mismatch,
                    "the certificate " + in_quotes(certificate_name) + " is for another key than " +
                        in_quotes(key_name),
                    "SPKI SHA-256 of the certificate: " + certified.to_string() +
                        ", of the key: " + given.to_string());
    }
}

void run(Session& session, const Arguments& arguments) {
    const auto file = reference_file(session, arguments);
    const auto alias = session.chosen_backend();
    session.work_with({alias});
    auto options = session.options(alias, Phase::store);
    const auto key = read_key(session, arguments);
    if(const auto certificate = arguments.value("certificate")) {
        require_same_key(*key, arguments.required("in"), *certificate);
    }
    const NewKey wanted{alias, KeySpec::of(*key), std::move(options)};
    require_label(session, wanted);
    if(arguments.has("dry-run")) {
        report_dry_run(session, wanted, "store");
        return;
    }
    session.expect_new_key(alias);
    const auto stored = make_recorded(session, wanted, "store", [&]() -> CreatedKey {
        return {session.backend(alias).store(*key, wanted.options), nullptr};
    });
    hand_out(session, wanted, stored, file);
}

}  // namespace

Command key_store_command() {
    auto out = OutputFile::out_flag("also write the key's reference to this file");
    out.required = false;
    return {
        .noun = "key",
        .verb = "store",
        .summary = "import a private key that was made elsewhere",
        .flags = {required(
                      {.name = "in", .value = "FILE", .help = "the key in PEM, DER or PKCS#12; - is standard input"}),
                  {.name = "in-passphrase",
                   .value = "SOURCE",
                   .help = "the source of the passphrase that opens it"},
                  {.name = "certificate",
                   .value = "FILE",
                   .help = "refuse the key unless this certificate is for it"},
                  backend_flag(),
                  out,
                  OutputFile::force_flag(),
                  dry_run_flag()},
        .backend_phase = Phase::store,
        .details = "Reads PKCS#8, PKCS#1, SEC 1 and PKCS#12, encrypted or not. The file stays where it is.",
        .example = "keyway key store --in ca.pem --in-passphrase prompt: --certificate ca.crt \\\n"
                   "    --backend hsm --label ca --user-pin env:HSM_PIN",
        .uses_keys = true,
        .run = run};
}

}  // namespace keyway::cli
