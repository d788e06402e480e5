// SPDX-License-Identifier: BSD-2-Clause
//
// Makes a token from a prepared one and prints its PIN and serial: for the tests that start many.

#include <softhsm_fixtures/softhsm_token.hpp>

#include <cstdio>
#include <exception>

int main() {
    try {
        const softhsm_fixtures::SoftHsmToken token({.prepared = true});
        std::printf("%s %s\n", token.user_pin().c_str(), token.serial().c_str());
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "prepared worker: %s\n", error.what());
        return 1;
    }
}
