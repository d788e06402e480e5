// SPDX-License-Identifier: BSD-2-Clause
//
// Makes a token, uses it and prints its serial. Exit status 0 when the token held exactly what was put into
// it.

#include "../support.hpp"

#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>

#include <cstdio>
#include <exception>

int main() {
    try {
        const softhsm_fixtures::SoftHsmToken token;
        const softhsm_fixtures::ScopedSoftHsmConf conf(token.config_path());
        const support::OpenModule module(token.module_path());
        const bool alone =
            module.tokens() == std::vector<support::SeenToken>{{token.label(), token.serial()}};
        const auto found = module.store_and_find(token.serial(), token.user_pin());
        std::printf("%s\n", token.serial().c_str());
        return alone && found == 1 ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "token worker: %s\n", error.what());
        return 1;
    }
}
