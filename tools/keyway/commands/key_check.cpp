// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "commands.hpp"
#include "common_flags.hpp"

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

void run(Session& session, const Arguments& arguments) {
    const auto named = session.named_key(*arguments.positional());
    session.work_with({named.backend});
    const auto ref = session.reference(named);
    if(const auto error =
           session.backend(ref.backend()).check(ref, session.options(ref.backend(), Phase::use))) {
        throw Error(*error);
    }
    auto json = json_of(ref);
    json["ok"] = true;
    session.report(json, "ok\n");
}

}  // namespace

Command key_check_command() {
    return {.noun = "key",
            .verb = "check",
            .summary = "look whether a key is there and is the one meant",
            .flags = {},
            .positional = reference_positional(),
            .backend_phase = Phase::use,
            .details = "Prints ok and ends with status 0, or ends with the error's status.",
            .example = "keyway key check root.ref --user-pin env:HSM_PIN",
            .run = run};
}

}  // namespace keyway::cli
