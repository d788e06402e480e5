// SPDX-License-Identifier: BSD-2-Clause
#include "../session.hpp"
#include "commands.hpp"

namespace keyway::cli {

namespace {

// In the place of the commands for tokens where the build is without PKCS#11: they stay listed.

void run(Session& session, const Arguments&) {
    static_cast<void>(session.types().type("hsm"));  // says how to get it
}

Command left_out(const char* verb) {
    return {.noun = "token",
            .verb = verb,
            .summary = "not in this build, which has no PKCS#11",
            .flags = {},
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
