// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../wrapping_keys.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "new_key.hpp"
#include "removal.hpp"

#include <keyway/core/error.hpp>

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

void run(Session& session, const Arguments& arguments) {
    const auto named = session.named_key(*arguments.positional());
    session.work_with({named.backend});
    if(!arguments.has("yes") && !arguments.has("dry-run") && !can_ask()) {
        throw Error(Errc::usage, "a key is removed for good, and there is no terminal to ask on",
                    "say --yes");
    }
    auto& backend = session.backend(named.backend);
    auto* const remover = dynamic_cast<KeyRemover*>(&backend);
    if(remover == nullptr) {
        throw Error(Errc::unsupported,
                    "the backend " + in_quotes(named.backend.str()) + " cannot remove keys");
    }
    const auto options = session.options(named.backend, Phase::use);
    const auto ref = session.reference(named);
    const auto key = key_of_reference(backend, options, ref);
    const auto what = "key " + in_quotes(key.label) + " (" + ref.key().to_string() + ") from backend " +
                      in_quotes(ref.backend().str());
    if(!arguments.has("force")) {
        require_no_wrapping_key(session, ref, key.label,
                                "put them under another key first with `keyway key rewrap`, or say --force");
    }
    auto json = json_of(key);
    if(arguments.has("dry-run")) {
        json["dry-run"] = true;
        session.report(json, "would remove " + what + "\n");
        return;
    }
    if(!arguments.has("yes") && !confirm("remove " + what + "? it cannot be brought back")) {
        throw Error(Errc::usage, "not removed: the answer was not yes");
    }
    remove_recorded(session, ref, [&] { remover->remove(ref, options); });
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
            .example = "keyway key remove file:old --yes",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
