// SPDX-License-Identifier: BSD-2-Clause
#include "../input_file.hpp"
#include "certificate_keeping.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "new_key.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/private_key_file.hpp>

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

void run(Session& session, const Arguments& arguments) {
    const auto file = reference_file(session, arguments);
    const auto alias = session.chosen_backend();
    session.work_with({alias});
    auto options = session.options(alias, Phase::store);
    const auto key = read_key(session, arguments);
    const auto name = arguments.value("certificate");
    const auto certificate = name ? std::optional(read_certificate_file(*name)) : std::nullopt;
    if(certificate) {
        require_certificate_of(*certificate, *name, SpkiFingerprint::of(*key), in_quotes(arguments.required("in")));
    }
    const bool keep = arguments.has("keep-certificate");
    if(keep && !certificate) {
        throw Error(Errc::usage, "no certificate is given that could be kept beside the key", "give it with --certificate");
    }
    auto* const keeper = keep ? &certificate_keeper(session, alias) : nullptr;
    const NewKey wanted{alias, KeySpec::of(*key), std::move(options)};
    require_label(session, wanted);
    if(arguments.has("dry-run")) {
        report_dry_run(session, wanted, "store");
        return;
    }
    session.expect_new_key(alias);
    const auto stored = make_recorded(session, wanted, "store", [&]() -> CreatedKey {
        const auto ref = session.backend(alias).store(*key, wanted.options);
        if(keeper != nullptr) {
            try {
                keeper->keep_certificate(ref, certificate->BER_encode(), OtherCertificates::stay, session.options_for_use(alias));
            } catch(const Error&) {
                remove_again(session, ref);
                throw;
            }
        }
        return {ref, nullptr};
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
                  {.name = "keep-certificate",
                   .takes = Takes::nothing,
                   .help = "put that certificate into the token as well, beside the key"},
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
