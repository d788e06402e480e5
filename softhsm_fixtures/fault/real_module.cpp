// SPDX-License-Identifier: BSD-2-Clause
#include "real_module.hpp"

#include "exports.hpp"
#include "plan.hpp"

#include <dlfcn.h>

namespace pkcs11_fault {

namespace {

using GetFunctionList = CK_RV (*)(CK_FUNCTION_LIST**);
using GetInterface = CK_RV (*)(CK_UTF8CHAR*, CK_VERSION*, Interface**, CK_FLAGS);

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
    throw PlanError("the module \"" + path + "\" " + why);
}

/// The function list of one version, or of the newest; null when the module has none.
[[nodiscard]] const FunctionList* list_of(GetInterface get_interface, CK_VERSION* version) {
    auto name = std::to_array<CK_UTF8CHAR>({'P', 'K', 'C', 'S', ' ', '1', '1', 0});
    Interface* found = nullptr;
    if (get_interface(name.data(), version, &found, 0) != CKR_OK || found == nullptr) {
        return nullptr;
    }
    return static_cast<const FunctionList*>(found->function_list);
}

/// Whether what a library asks for by the name C_GetFunctionList is this module's, as where a program is linked with
/// this module or opens it for all: the real module's function list would then be one of this module's functions.
[[nodiscard]] bool own_names_come_first() {
    void* const program = ::dlopen(nullptr, RTLD_NOW);
    return program != nullptr && ::dlsym(program, "C_GetFunctionList") == reinterpret_cast<void*>(&C_GetFunctionList);
}

[[nodiscard]] int how_to_load() {
    int mode = RTLD_NOW | RTLD_LOCAL;
#ifdef RTLD_DEEPBIND
    // Not in other programs: the module would also pass over an allocator that they have put before the usual one.
    if (own_names_come_first()) {
        mode |= RTLD_DEEPBIND;
    }
#endif
    return mode;
}

} // namespace

RealModule::RealModule(const std::string& path) {
    void* const library = ::dlopen(path.c_str(), how_to_load());
    if (library == nullptr) {
        const char* const why = ::dlerror();
        refuse(path, std::string("cannot be loaded: ") + (why == nullptr ? "no reason given" : why));
    }
    const auto get_list = reinterpret_cast<GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    if (get_list == nullptr) {
        refuse(path, "is no PKCS#11 module: it has no C_GetFunctionList");
    }
    if (get_list == &C_GetFunctionList) {
        refuse(path, "is the fault module itself; name the module that is to stand behind it");
    }
    CK_FUNCTION_LIST* list = nullptr;
    if (const CK_RV value = get_list(&list); value != CKR_OK || list == nullptr) {
        refuse(path, "gives no function list (C_GetFunctionList answers " + std::to_string(value) + ")");
    }
    // The lists of the C interface differ only in length.
    take(*reinterpret_cast<const FunctionList*>(list), functions_2_40);

    const auto get_interface = reinterpret_cast<GetInterface>(::dlsym(library, "C_GetInterface"));
    if (get_interface == nullptr) {
        return;
    }
    const FunctionList* newest = list_of(get_interface, nullptr);
    if (newest == nullptr || newest->version.major < 3) {
        return;
    }
    const bool has_3_2 = newest->version.major > 3 || newest->version.minor >= 2;
    take(*newest, has_3_2 ? functions_3_2 : functions_3_0);
}

void RealModule::take(const FunctionList& list, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        functions_[i] = list.functions[place_of(i)];
    }
    version_ = list.version;
    count_ = count;
}

} // namespace pkcs11_fault
