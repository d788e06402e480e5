// SPDX-License-Identifier: BSD-2-Clause
#include "commands.hpp"
#include "common_flags.hpp"
#include "new_key.hpp"

#include <keyway/core/error.hpp>

namespace keyway::cli {

namespace {

void run(Session& session, const Arguments& arguments) {
    const auto file = reference_file(session, arguments);
    const auto alias = session.chosen_backend();
    session.work_with({alias});
    auto* const adopter = dynamic_cast<KeyAdopter*>(&session.backend(alias));
    if(adopter == nullptr) {
        throw Error(Errc::unsupported, "the backend " + in_quotes(alias.str()) + " cannot adopt keys",
                    "its keys are all its own: name one as ALIAS:LABEL, or import another with `keyway key store`");
    }
    const auto options = session.options(alias, Phase::adopt);
    const auto ref = session.audited(
        {.operation = "adopt", .backend = alias.str(), .label = options.text("label").value_or("")}, [&](AuditEntry& entry) {
            auto adopted = adopter->adopt(options);
            entry.ref = adopted;
            return adopted;
        });
    if(file) {
        file->write(ref.to_string() + "\n");
    }
    report_reference(session, ref.locator().find("label").value_or(""), ref, file);
}

}  // namespace

Command key_adopt_command() {
    auto out = OutputFile::out_flag("also write the key's reference to this file");
    out.required = false;
    return {.noun = "key",
            .verb = "adopt",
            .summary = "take in a key that is in the token, folder or database already",
            .flags = {backend_flag(), out, OutputFile::force_flag()},
            .backend_phase = Phase::adopt,
            .details = "The key is told by its label, its id or its file; exactly one has to fit. It signs once, when "
                       "it may sign, and its reference is printed. Nothing is changed where it is.",
            .example = "keyway key adopt --backend hsm --label SIGN --id 02 \\\n"
                       "    --user-pin env:HSM_PIN --out sign.ref",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
