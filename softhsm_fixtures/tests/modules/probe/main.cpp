// SPDX-License-Identifier: BSD-2-Clause
//
// softhsm-fixtures-module-probe list
// softhsm-fixtures-module-probe MODULE INIT_ARGUMENTS LABEL USER_PIN_FILE SO_PIN_FILE FOLDER (capability|quirk) NAME
//
// Measures on a token whether its module can do something. Prints "yes", or "no" and the reason. Anything else, a
// crash for instance, is the caller's to judge.

#include "measure.hpp"

#include "support.hpp"

#include <cstdio>
#include <cstring>
#include <unistd.h>

namespace {

constexpr unsigned longest = 120; // seconds; then SIGALRM ends the process

[[nodiscard]] probe::Measurements capability_measurements() {
    probe::Measurements all;
    probe::add_key_measurements(all);
    probe::add_cipher_measurements(all);
    probe::add_object_measurements(all);
    probe::add_token_measurements(all);
    probe::add_process_measurements(all);
    return all;
}

[[nodiscard]] probe::Measurements quirk_measurements() {
    probe::Measurements all;
    probe::add_quirk_measurements(all);
    return all;
}

int list() {
    for (const auto& [name, measurement] : capability_measurements()) {
        std::printf("capability %s\n", name.c_str());
    }
    for (const auto& [name, measurement] : quirk_measurements()) {
        std::printf("quirk %s\n", name.c_str());
    }
    return 0;
}

int measure(char** arguments) {
    const probe::Target target = {.module = arguments[0],
                                  .init_arguments = arguments[1],
                                  .label = arguments[2],
                                  .user_pin = support::content_of(arguments[3]),
                                  .so_pin = support::content_of(arguments[4]),
                                  .folder = arguments[5]};
    const auto all =
        std::strcmp(arguments[6], "quirk") == 0 ? quirk_measurements() : capability_measurements();
    const auto found = all.find(arguments[7]);
    if (found == all.end()) {
        std::fprintf(stderr, "nothing measures \"%s\"\n", arguments[7]);
        return 2;
    }
    ::alarm(longest);
    try {
        found->second(target);
        std::printf("yes\n");
    } catch (const probe::Refused& refused) {
        std::printf("no %s\n", refused.what());
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "list") == 0) {
        return list();
    }
    if (argc != 9) {
        std::fputs("usage: softhsm-fixtures-module-probe MODULE INIT_ARGUMENTS LABEL USER_PIN_FILE SO_PIN_FILE "
                   "FOLDER (capability|quirk) NAME\n",
                   stderr);
        return 2;
    }
    return measure(argv + 1);
}
