// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "commands.hpp"
#include "common_flags.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/store_checker.hpp>

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

void require_writable(const KeyBackend& backend, const OptionValues& options) {
    const auto* const checker = dynamic_cast<const StoreChecker*>(&backend);
    if(checker == nullptr) {
        throw Error(Errc::unsupported,
                    "the backend " + in_quotes(backend.alias().str()) + " cannot tell whether it takes changes",
                    "leave --writable out");
    }
    if(const auto error = checker->check_writable(options)) {
        throw Error(*error);
    }
}

void run(Session& session, const Arguments& arguments) {
    const auto named = session.named_key(*arguments.positional());
    session.work_with({named.backend});
    const auto ref = session.reference(named);
    const auto& backend = session.backend(ref.backend());
    const auto options = session.options(ref.backend(), Phase::use);
    if(const auto error = backend.check(ref, options)) {
        throw Error(*error);
    }
    session.tell_fallback(ref);
    auto json = json_of(ref);
    json["ok"] = true;
    if(arguments.has("writable")) {
        require_writable(backend, options);
        json["writable"] = true;
    }
    session.report(json, "ok\n");
}

}  // namespace

Command key_check_command() {
    return {.noun = "key",
            .verb = "check",
            .summary = "look whether a key is there and is the one meant",
            .flags = {{.name = "writable",
                       .takes = Takes::nothing,
                       .help = "also try whether keys could be added to the backend and removed"}},
            .positional = reference_positional(),
            .backend_phase = Phase::use,
            .details = "Prints ok and ends with status 0, or ends with the error's status. With a secret at hand, the key is opened.",
            .example = "keyway key check root.ref --user-pin env:HSM_PIN",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
