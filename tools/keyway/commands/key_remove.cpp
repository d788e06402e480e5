// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../wrapping_keys.hpp"
#include "certificate_keeping.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "new_key.hpp"
#include "removal.hpp"

#include <keyway/core/error.hpp>

#include <botan/x509cert.h>
#include <nlohmann/json.hpp>

#include <utility>
#include <vector>

namespace keyway::cli {

namespace {

struct Found {
    OptionValues options;  ///< of phase use
    KeyInfo key;
    std::vector<Botan::X509_Certificate> certificates;  ///< that go with it
};

/// The key, which can be removed as far as that can be told.
Found found_key(Session& session, const NamedKey& named, const Arguments& arguments, AuditEntry& entry) {
    auto& backend = session.backend(named.backend);
    if(dynamic_cast<KeyRemover*>(&backend) == nullptr) {
        throw Error(Errc::unsupported, "the backend " + in_quotes(named.backend.str()) + " cannot remove keys");
    }
    auto options = session.options(named.backend, Phase::use);
    const auto ref = session.reference(named);
    entry.ref = ref;
    auto key = key_of_reference(backend, options, ref);
    if(!arguments.has("force")) {
        require_no_wrapping_key(session, ref, key.label,
                                "put them under another key first with `keyway key rewrap`, or say --force");
    }
    auto certificates = certificates_beside(backend, ref, options, Beside::that_go_with_key);
    return {std::move(options), std::move(key), std::move(certificates)};
}

void run(Session& session, const Arguments& arguments) {
    const auto named = session.named_key(*arguments.positional());
    session.work_with({named.backend});
    if(!arguments.has("yes") && !arguments.has("dry-run") && !can_ask()) {
        throw Error(Errc::usage, "a key is removed for good, and there is no terminal to ask on",
                    "say --yes");
    }
    const auto found = session.audited_failure(
        {.operation = "remove", .backend = named.backend.str(), .label = label_asked_for(named)},
        [&](AuditEntry& entry) { return found_key(session, named, arguments, entry); });
    const auto& ref = found.key.ref;
    const auto with = told(found.certificates);
    const auto what = "key " + in_quotes(found.key.label) + " (" + ref.key().to_string() + ") from backend " +
                      in_quotes(ref.backend().str()) + (with.empty() ? "" : ", and " + with);
    auto json = json_of(found.key);
    json["certificates-removed"] = json_of(found.certificates);
    if(arguments.has("dry-run")) {
        require_changeable(session, named.backend);
        json["dry-run"] = true;
        session.report(json, "would remove " + what + "\n");
        return;
    }
    if(!arguments.has("yes") && !confirm("remove " + what + "? it cannot be brought back")) {
        throw Error(Errc::usage, "not removed: the answer was not yes");
    }
    remove_recorded(session, ref, [&] { dynamic_cast<KeyRemover&>(session.backend(named.backend)).remove(ref, found.options); });
    json["removed"] = true;
    tell_done("the key was removed", ref, [&] { session.report(json, "removed " + what + "\n"); });
}

}  // namespace

Command key_remove_command() {
    return {.noun = "key",
            .verb = "remove",
            .summary = "destroy a key",
            .flags = {{.name = "yes",
                       .takes = Takes::nothing,
                       .help = "do not ask; needed where there is no terminal"},
                      {.name = "force",
                       .takes = Takes::nothing,
                       .help = "also a key that the settings name as \"wrapping-key\" of a database, whose keys are then lost"},
                      dry_run_flag()},
            .positional = reference_positional(),
            .backend_phase = Phase::use,
            .details = "Certificates that stand beside the key in a token go with it: which ones is said, by --dry-run before.",
            .example = "keyway key remove file:old --yes",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
