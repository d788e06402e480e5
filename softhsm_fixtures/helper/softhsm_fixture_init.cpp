// SPDX-License-Identifier: BSD-2-Clause
//
// softhsm-fixture-init MODULE LABEL SO_PIN_FILE USER_PIN_FILE
//
// Initialises the first free slot of MODULE, whose configuration is in the environment, and sets both PINs.
// Reports on standard output, in one line: "serial SERIAL" or "error TEXT".

#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

[[nodiscard]] const char* name_of(CK_RV value) {
    switch (value) {
    case CKR_GENERAL_ERROR: return "CKR_GENERAL_ERROR";
    case CKR_FUNCTION_FAILED: return "CKR_FUNCTION_FAILED";
    case CKR_DEVICE_ERROR: return "CKR_DEVICE_ERROR";
    case CKR_DEVICE_MEMORY: return "CKR_DEVICE_MEMORY";
    case CKR_PIN_INCORRECT: return "CKR_PIN_INCORRECT";
    case CKR_PIN_INVALID: return "CKR_PIN_INVALID";
    case CKR_PIN_LEN_RANGE: return "CKR_PIN_LEN_RANGE";
    case CKR_TOKEN_WRITE_PROTECTED: return "CKR_TOKEN_WRITE_PROTECTED";
    default: return "a PKCS#11 error";
    }
}

void check(const char* function, CK_RV value) {
    if (value != CKR_OK) {
        std::array<char, 32> number{};
        std::snprintf(number.data(), number.size(), "0x%lx", value);
        throw std::runtime_error(std::string(function) + " returned " + number.data() + " (" +
                                 name_of(value) + ")");
    }
}

[[nodiscard]] std::vector<CK_UTF8CHAR> read_file(const char* path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<CK_UTF8CHAR> content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file || content.empty()) {
        throw std::runtime_error("cannot read \"" + std::string(path) + "\"");
    }
    return content;
}

[[nodiscard]] CK_FUNCTION_LIST* load(const char* module) {
    // Never closed: the process ends with its work, and unloading a crypto library gains nothing.
    void* library = ::dlopen(module, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        throw std::runtime_error(std::string("cannot load the module: ") + ::dlerror());
    }
    const auto get_functions = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    if (get_functions == nullptr) {
        throw std::runtime_error("\"" + std::string(module) + "\" is not a PKCS#11 module");
    }
    CK_FUNCTION_LIST* functions = nullptr;
    check("C_GetFunctionList", get_functions(&functions));
    return functions;
}

[[nodiscard]] CK_SLOT_ID free_slot(CK_FUNCTION_LIST& p11) {
    CK_ULONG count = 0;
    check("C_GetSlotList", p11.C_GetSlotList(CK_TRUE, nullptr, &count));
    std::vector<CK_SLOT_ID> slots(count);
    check("C_GetSlotList", p11.C_GetSlotList(CK_TRUE, slots.data(), &count));
    slots.resize(count);
    for (const CK_SLOT_ID slot : slots) {
        CK_TOKEN_INFO info{};
        check("C_GetTokenInfo", p11.C_GetTokenInfo(slot, &info));
        if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) {
            return slot;
        }
    }
    throw std::runtime_error("the module has no free slot");
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
    std::string serial(std::begin(info.serialNumber), std::end(info.serialNumber));
    serial.erase(serial.find_last_not_of(' ') + 1);
    return serial;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("usage: softhsm-fixture-init MODULE LABEL SO_PIN_FILE USER_PIN_FILE\n", stderr);
        return 2;
    }
    try {
        const auto so_pin = read_file(argv[3]);
        const auto user_pin = read_file(argv[4]);
        CK_FUNCTION_LIST& p11 = *load(argv[1]);
        CK_C_INITIALIZE_ARGS locking{};
        locking.flags = CKF_OS_LOCKING_OK;
        check("C_Initialize", p11.C_Initialize(&locking));
        const std::string serial = initialise(p11, argv[2], so_pin, user_pin);
        check("C_Finalize", p11.C_Finalize(nullptr));
        std::printf("serial %s\n", serial.c_str());
        return 0;
    } catch (const std::exception& error) {
        std::printf("error %s\n", error.what());
        return 1;
    }
}
