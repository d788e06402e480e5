// SPDX-License-Identifier: BSD-2-Clause
#include "pkcs11_module.hpp"

#include <softhsm_fixtures/fault_module.hpp>
#include <softhsm_fixtures/find_softhsm.hpp>
#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>

#include <iostream>

using namespace softhsm_fixtures;

int main() {
    if (const auto reason = softhsm_absence_reason()) {
        std::cout << "skipped: " << *reason << '\n';
        return 77;
    }
    SoftHsmToken token({.label = "keys", .content = TokenContent::parse(R"([{"type": "ec", "curve": "P-256", "label": "a"}])")});
    ScopedSoftHsmConf conf(token.config_path());
    FaultModule faulty(token.module_path());
    Pkcs11Module module(faulty.path().c_str());

    if (module.key_labels("keys", token.user_pin()) != std::vector<std::string>{"a"} || faulty.calls("C_Login") != 1) {
        return 1;
    }
    faulty.inject(R"({"fault": "return", "function": "C_Login", "rv": "CKR_PIN_LOCKED"})");
    try {
        module.key_labels("keys", token.user_pin());
    } catch (const std::runtime_error& error) {
        return error.what() == std::string("C_Login: 0xa4") ? 0 : 2;
    }
    return 3;
}
