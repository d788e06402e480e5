// SPDX-License-Identifier: BSD-2-Clause
#include "../input_file.hpp"
#include "../json_output.hpp"
#include "../session.hpp"
#include "certificate_keeping.hpp"
#include "commands.hpp"
#include "common_flags.hpp"

#include <keyway/core/error.hpp>
#include <keyway/x509/serial.hpp>

#include <nlohmann/json.hpp>

#include <vector>

namespace keyway::cli {

namespace {

/// Looked for even where nothing is replaced: a certificate that is there already is told by a dry run, too.
std::vector<Botan::X509_Certificate> to_be_replaced(Session& session,
                                                    const KeyRef& ref,
                                                    const Botan::X509_Certificate& certificate,
                                                    bool replace,
                                                    const OptionValues& options) {
    auto others = certificates_beside(session.backend(ref.backend()), ref, options, Beside::all);
    const bool is_there = std::erase(others, certificate) > 0;
    if(is_there && !replace) {
        throw Error(Errc::already_exists, "the certificate is beside the key already",
                    "nothing has to be done; to remove the key's other certificates, say --replace")
            .in_backend(ref.backend().str());
    }
    return replace ? others : std::vector<Botan::X509_Certificate>();
}

void run(Session& session, const Arguments& arguments) {
    const auto named = session.named_key(arguments.required("key"));
    session.work_with({named.backend});
    const auto name = arguments.required("in");
    const auto certificate = read_certificate_file(name);
    const bool replace = arguments.has("replace");
    const auto key = in_quotes(arguments.required("key"));
    const auto serial = x509::SerialNumber::of(certificate).to_hex();
    std::vector<Botan::X509_Certificate> replaced;
    const auto options = session.options(named.backend, Phase::use);
    const auto ref = session.audited(
        {.operation = "keep-certificate", .backend = named.backend.str(), .label = label_asked_for(named), .object = serial},
        [&](AuditEntry& entry) {
            auto& keeper = certificate_keeper(session, named.backend);
            auto found = session.reference(named);
            entry.ref = found;
            require_certificate_of(certificate, name, found.fingerprint(), key);
            replaced = to_be_replaced(session, found, certificate, replace, options);
            if(!arguments.has("dry-run")) {
                keeper.keep_certificate(found, certificate.BER_encode(), replace ? OtherCertificates::go : OtherCertificates::stay, options);
            }
            return found;
        },
        [&](const AuditEntry&, const Error& error) {
            throw Error(error.code(), "the certificate is beside the key " + key + " now, but that was not recorded: " + error.message(),
                        error.hint());
        });
    auto json = json_of(ref);
    json["certificate"] = name;
    json["certificates-removed"] = json_of(replaced);
    const auto what = "the certificate " + in_quotes(name) + " beside the key " + key +
                      (replaced.empty() ? "" : ", in place of " + told(replaced));
    if(arguments.has("dry-run")) {
        json["dry-run"] = true;
        session.report(json, "would put " + what + "\n");
        return;
    }
    session.report(json, "put " + what + "\n");
}

}  // namespace

Command key_certificate_command() {
    return {.noun = "key",
            .verb = "certificate",
            .summary = "put a certificate beside its key in a token",
            .flags = {required({.name = "key", .value = "REFERENCE", .help = "the key: its reference, ALIAS:LABEL, or a file that holds it"}),
                      required({.name = "in", .value = "FILE", .help = "the certificate in PEM or DER; - is standard input"}),
                      {.name = "replace",
                       .takes = Takes::nothing,
                       .help = "remove the other certificates of the key, once this one is there"},
                      dry_run_flag()},
            .backend_phase = Phase::use,
            .details = "Other programs find the certificate by the key's id. One that is for another key is refused. What is there "
                       "stays unless it is to be replaced, which is then said. Removing the key removes its certificates as well.",
            .example = "keyway key certificate --key hsm:ca --in ca.pem",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
