// SPDX-License-Identifier: BSD-2-Clause
//
// softhsm-fixtures-measure MODULE...
//
// Prints what each module can do, as measured now: what its data file has to say.

#include "measured.hpp"

#include <cstdio>
#include <exception>
#include <map>
#include <string>

namespace {

void print(const char* what, const std::map<std::string, measured::Answer>& answers) {
    for (const auto& [name, answer] : answers) {
        std::printf("%-10s %-32s %-4s %s\n", what, name.c_str(), answer.yes ? "yes" : "no", answer.reason.c_str());
    }
}

} // namespace

int main(int argc, char** argv) {
    try {
        for (int at = 1; at < argc; ++at) {
            const auto& module = softhsm_fixtures::require_module(argv[at]);
            std::printf("%s %s\n", module.name().c_str(), module.installed_version().c_str());
            const auto answers = measured::measure(module);
            print("capability", answers.capabilities);
            print("quirk", answers.quirks);
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "softhsm-fixtures-measure: %s\n", error.what());
        return 1;
    }
}
