// SPDX-License-Identifier: BSD-2-Clause
#include "../completion.hpp"
#include "../json_output.hpp"
#include "../session.hpp"
#include "commands.hpp"

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

void report_script(Session& session, std::string_view shell) {
    const auto script = completion_script(shell);
    session.report(Json{{"shell", std::string(shell)}, {"script", std::string(script)}}, script);
}

Command command_for(std::string shell, std::string example, void (*run)(Session&, const Arguments&)) {
    return {.noun = "completion",
            .verb = shell,
            .summary = "print the script that completes keyway's words in " + shell,
            .details = "It asks keyway itself for the words that fit, so that it knows the backends in the settings. An "
                       "installed keyway brings it along.",
            .example = std::move(example),
            .run = run};
}

}  // namespace

Command completion_bash_command() {
    return command_for("bash", "eval \"$(keyway completion bash)\"",
                       [](Session& session, const Arguments&) { report_script(session, "bash"); });
}

Command completion_zsh_command() {
    return command_for("zsh", "keyway completion zsh >~/.zfunc/_keyway",
                       [](Session& session, const Arguments&) { report_script(session, "zsh"); });
}

Command completion_fish_command() {
    return command_for("fish", "keyway completion fish | source",
                       [](Session& session, const Arguments&) { report_script(session, "fish"); });
}

}  // namespace keyway::cli
