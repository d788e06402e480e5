// SPDX-License-Identifier: BSD-2-Clause
#include "../input_file.hpp"
#include "../json_output.hpp"
#include "../session.hpp"
#include "certificate_keeping.hpp"
#include "commands.hpp"
#include "common_flags.hpp"

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

void run(Session& session, const Arguments& arguments) {
    const auto named = session.named_key(arguments.required("key"));
    session.work_with({named.backend});
    const auto name = arguments.required("in");
    const auto certificate = read_certificate_file(name);
    auto& keeper = certificate_keeper(session, named.backend);
    const auto options = session.options(named.backend, Phase::use);
    const auto ref = session.reference(named);
    require_certificate_of(certificate, name, ref.fingerprint(), in_quotes(arguments.required("key")));
    auto json = json_of(ref);
    json["certificate"] = name;
    const auto what = "the certificate " + in_quotes(name) + " beside the key " + in_quotes(arguments.required("key"));
    if(arguments.has("dry-run")) {
        json["dry-run"] = true;
        session.report(json, "would put " + what + "\n");
        return;
    }
    const auto others = arguments.has("replace") ? OtherCertificates::go : OtherCertificates::stay;
    keeper.keep_certificate(ref, certificate.BER_encode(), others, options);
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
                       "stays unless it is to be replaced. Removing the key removes its certificates as well.",
            .example = "keyway key certificate --key hsm:ca --in ca.pem",
            .run = run};
}

}  // namespace keyway::cli
