// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"
#include "common_flags.hpp"

#include <botan/x509_key.h>
#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

KeyInfo find(Session& session, const NamedKey& named) {
    const auto& backend = session.backend(named.backend);
    const auto options = session.options(named.backend, Phase::use);
    if(const auto* const ref = std::get_if<KeyRef>(&named.key)) {
        return key_of_reference(backend, options, *ref);
    }
    return key_with_label(backend, options, std::get<std::string>(named.key));
}

void run(Session& session, const Arguments& arguments) {
    const auto named = session.named_key(*arguments.positional());
    session.work_with({named.backend});
    const auto key = find(session, named);
    auto json = json_of(key);
    std::string text;
    if(arguments.has("pem")) {
        // A listing has no public keys, only their fingerprints.
        text = Botan::X509::PEM_encode(*session.open({key.ref.backend(), key.ref}).key->public_key());
        json["pem"] = text;
    } else {
        std::vector<std::pair<std::string, std::string>> lines{
            {"label", key.label},
            {"type", key.ref.key().to_string()},
            {"backend", key.ref.backend().str()},
            {"SPKI SHA-256", key.ref.fingerprint().to_string()}};
        lines.insert(lines.end(), key.attributes.begin(), key.attributes.end());
        lines.emplace_back("reference", key.ref.to_string());
        text = facts(lines);
    }
    session.report(json, text);
}

}  // namespace

Command key_show_command() {
    return {.noun = "key",
            .verb = "show",
            .summary = "show what is known of a key",
            .flags = {{.name = "pem", .takes = Takes::nothing, .help = "print the public key in PEM"}},
            .positional = reference_positional(),
            .backend_phase = Phase::use,
            .details = "The private key is opened only for --pem.",
            .example = "keyway key show hsm:root --pem",
            .run = run};
}

}  // namespace keyway::cli
