// SPDX-License-Identifier: BSD-2-Clause
#include "commands.hpp"
#include "common_flags.hpp"
#include "new_key.hpp"

#include <keyway/core/error.hpp>

namespace keyway::cli {

namespace {

/// A key in a file has a label, which its reference does not tell: its listing does.
std::string label_of(Session& session, const KeyRef& ref) {
    if(auto label = ref.locator().find("label")) {
        return *std::move(label);
    }
    try {
        return key_of_reference(session.backend(ref.backend()), session.options_for_use(ref.backend()), ref).label;
    } catch(const Error&) {
        return {};  // it was adopted, whatever the listing says
    }
}

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
    report_reference(session, label_of(session, ref), ref, file);
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
