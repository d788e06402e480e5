// SPDX-License-Identifier: BSD-2-Clause
#include "../session.hpp"
#include "commands.hpp"

namespace keyway::cli {

namespace {

// In the place of the commands for tokens where the build is without PKCS#11: they stay listed.

// Of its type it was told before how to get it, whatever stood behind the command.
void run(Session&, const Arguments&) {}

Command left_out(const char* verb) {
    return {.noun = "token",
            .verb = verb,
            .summary = "not in this build, which has no PKCS#11",
            .flags = {},
            .of_type = "hsm",
            .details = "Build with: meson setup -Dhsm=enabled",
            .example = std::string("keyway token ") + verb,
            .run = run};
}

}  // namespace

Command token_init_command() {
    return left_out("init");
}

Command token_list_command() {
    return left_out("list");
}

Command token_login_command() {
    return left_out("login");
}

Command token_quirks_command() {
    return left_out("quirks");
}

Command token_probe_command() {
    return left_out("probe");
}

}  // namespace keyway::cli
