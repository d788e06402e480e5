// SPDX-License-Identifier: BSD-2-Clause
#include "module.hpp"

#include <names/names.hpp>

#include <array>
#include <cstdio>
#include <dlfcn.h>
#include <fstream>
#include <iterator>

namespace helper {

namespace {

[[nodiscard]] std::string description(const char* function, CK_RV value) {
    std::array<char, 32> number{};
    std::snprintf(number.data(), number.size(), "0x%lx", value);
    return std::string(function) + " returned " + number.data() + " (" + pkcs11_names::name_of_return_value(value) + ")";
}

} // namespace

CallFailed::CallFailed(const char* function, CK_RV value)
    : Failure(description(function, value)), value_(value) {}

void check(const char* function, CK_RV value) {
    if (value != CKR_OK) {
        throw CallFailed(function, value);
    }
}

std::vector<CK_UTF8CHAR> read_pin(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<CK_UTF8CHAR> content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file || content.empty()) {
        throw Failure("cannot read \"" + path + "\"");
    }
    return content;
}

CK_FUNCTION_LIST& load(const std::string& module) {
    // Never closed: the process ends with its work, and unloading a crypto library gains nothing.
    void* library = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        throw Failure(std::string("cannot load the module: ") + ::dlerror());
    }
    const auto get_functions = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    if (get_functions == nullptr) {
        throw Failure("\"" + module + "\" is not a PKCS#11 module");
    }
    CK_FUNCTION_LIST* functions = nullptr;
    check("C_GetFunctionList", get_functions(&functions));
    return *functions;
}

std::vector<CK_SLOT_ID> slots_with_token(CK_FUNCTION_LIST& p11) {
    CK_ULONG count = 0;
    check("C_GetSlotList", p11.C_GetSlotList(CK_TRUE, nullptr, &count));
    std::vector<CK_SLOT_ID> slots(count);
    check("C_GetSlotList", p11.C_GetSlotList(CK_TRUE, slots.data(), &count));
    slots.resize(count);
    return slots;
}

} // namespace helper
