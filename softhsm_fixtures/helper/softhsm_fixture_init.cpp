// SPDX-License-Identifier: BSD-2-Clause
//
// softhsm-fixture-init MODULE LABEL SO_PIN_FILE USER_PIN_FILE
// softhsm-fixture-init --change-pins MODULE SERIAL SO_PIN_FILE USER_PIN_FILE NEW_SO_PIN_FILE
// NEW_USER_PIN_FILE
//
// Initialises the first free slot of MODULE, whose configuration is in the environment, and sets both PINs;
// or changes both PINs of the token with the serial. Reports on standard output, in one line: "serial SERIAL"
// or "error TEXT".

#include "module.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using helper::check;

[[nodiscard]] CK_SLOT_ID free_slot(CK_FUNCTION_LIST& p11) {
    for (const CK_SLOT_ID slot : helper::slots_with_token(p11)) {
        CK_TOKEN_INFO info{};
        check("C_GetTokenInfo", p11.C_GetTokenInfo(slot, &info));
        if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) {
            return slot;
        }
    }
    throw helper::Failure("the module has no free slot");
}

[[nodiscard]] std::string initialise(CK_FUNCTION_LIST& p11, const std::string& label,
                                     std::vector<CK_UTF8CHAR> so_pin, std::vector<CK_UTF8CHAR> user_pin) {
    std::array<CK_UTF8CHAR, 32> padded{};
    padded.fill(' ');
    std::copy_n(label.begin(), std::min(label.size(), padded.size()), padded.begin());

    const CK_SLOT_ID slot = free_slot(p11);
    check("C_InitToken", p11.C_InitToken(slot, so_pin.data(), so_pin.size(), padded.data()));
    CK_SESSION_HANDLE session = 0;
    check("C_OpenSession",
          p11.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session));
    check("C_Login", p11.C_Login(session, CKU_SO, so_pin.data(), so_pin.size()));
    check("C_InitPIN", p11.C_InitPIN(session, user_pin.data(), user_pin.size()));
    check("C_CloseSession", p11.C_CloseSession(session));

    CK_TOKEN_INFO info{};
    check("C_GetTokenInfo", p11.C_GetTokenInfo(slot, &info));
    return helper::trimmed(info.serialNumber);
}

using Pin = std::vector<CK_UTF8CHAR>;

void change_pin(CK_FUNCTION_LIST& p11, CK_SLOT_ID slot, CK_USER_TYPE who, Pin before, Pin after) {
    CK_SESSION_HANDLE session = 0;
    check("C_OpenSession",
          p11.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session));
    check("C_Login", p11.C_Login(session, who, before.data(), before.size()));
    check("C_SetPIN", p11.C_SetPIN(session, before.data(), before.size(), after.data(), after.size()));
    check("C_CloseSession", p11.C_CloseSession(session)); // the last one of the token: logs out
}

[[nodiscard]] std::string change_pins(CK_FUNCTION_LIST& p11, const std::string& serial, char** files) {
    for (const CK_SLOT_ID slot : helper::slots_with_token(p11)) {
        CK_TOKEN_INFO info{};
        check("C_GetTokenInfo", p11.C_GetTokenInfo(slot, &info));
        if (helper::trimmed(info.serialNumber) == serial) {
            change_pin(p11, slot, CKU_SO, helper::read_pin(files[0]), helper::read_pin(files[2]));
            change_pin(p11, slot, CKU_USER, helper::read_pin(files[1]), helper::read_pin(files[3]));
            return serial;
        }
    }
    throw helper::Failure("the module has no token with serial \"" + serial + "\"");
}

[[nodiscard]] CK_FUNCTION_LIST& initialised(const char* module) {
    CK_FUNCTION_LIST& p11 = helper::load(module);
    CK_C_INITIALIZE_ARGS locking{};
    locking.flags = CKF_OS_LOCKING_OK;
    check("C_Initialize", p11.C_Initialize(&locking));
    return p11;
}

} // namespace

int main(int argc, char** argv) {
    const bool change = argc == 8 && std::string(argv[1]) == "--change-pins";
    if (!change && argc != 5) {
        std::fputs("usage: softhsm-fixture-init MODULE LABEL SO_PIN_FILE USER_PIN_FILE\n"
                   "       softhsm-fixture-init --change-pins MODULE SERIAL SO_PIN_FILE USER_PIN_FILE "
                   "NEW_SO_PIN_FILE NEW_USER_PIN_FILE\n",
                   stderr);
        return 2;
    }
    try {
        CK_FUNCTION_LIST& p11 = initialised(argv[change ? 2 : 1]);
        const std::string serial =
            change ? change_pins(p11, argv[3], argv + 4)
                   : initialise(p11, argv[2], helper::read_pin(argv[3]), helper::read_pin(argv[4]));
        check("C_Finalize", p11.C_Finalize(nullptr));
        std::printf("serial %s\n", serial.c_str());
        return 0;
    } catch (const std::exception& error) {
        std::printf("error %s\n", error.what());
        return 1;
    }
}
