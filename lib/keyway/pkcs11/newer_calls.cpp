// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/newer_calls_internal.hpp>

#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace keyway::pkcs11 {

namespace {

using AnyFunction = void (*)();

// CK_INTERFACE and CK_FUNCTION_LIST_3_0, as far as it is used, which p11-kit's headers have since 0.25 only.
struct Interface {
    char* name;
    void* function_list;
    CK_FLAGS flags;
};

struct NewerList {
    FunctionList until_2_40;
    AnyFunction get_interface_list;
    AnyFunction get_interface;
    AnyFunction login_user;
    AnyFunction session_cancel;
};

using GetInterface = CK_RV (*)(CK_UTF8CHAR* name, CK_VERSION* version, Interface** out, CK_FLAGS flags);

/// @param version null for the one that the module likes best
const NewerList* list_of(GetInterface get_interface, CK_VERSION* version) {
    std::array<CK_UTF8CHAR, 8> name{'P', 'K', 'C', 'S', ' ', '1', '1', '\0'};
    Interface* found = nullptr;
    if(get_interface(name.data(), version, &found, 0) != CKR_OK || found == nullptr || found->function_list == nullptr) {
        return nullptr;
    }
    const auto* const list = static_cast<const NewerList*>(found->function_list);
    return list->until_2_40.version.major == 3 ? list : nullptr;
}

std::shared_ptr<void> library_of(FunctionList& module) {
    const std::unique_ptr<char, decltype(&std::free)> path(p11_kit_module_get_filename(&module), &std::free);
    // It is there already, so that nothing of it is loaded or begun by this.
    void* const library = path == nullptr ? nullptr : ::dlopen(path.get(), RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
    return library == nullptr ? nullptr : std::shared_ptr<void>(library, [](void* one) { ::dlclose(one); });
}

}  // namespace

std::unique_ptr<const NewerCalls> newer_calls(FunctionList& module) {
    auto library = library_of(module);
    void* const symbol = library ? ::dlsym(library.get(), "C_GetInterface") : nullptr;
    if(symbol == nullptr) {
        return nullptr;
    }
    const auto get_interface = reinterpret_cast<GetInterface>(symbol);
    const auto* list = list_of(get_interface, nullptr);
    for(CK_BYTE minor = 3; list == nullptr && minor > 0; --minor) {
        CK_VERSION version{3, static_cast<CK_BYTE>(minor - 1)};
        list = list_of(get_interface, &version);
    }
    if(list == nullptr) {
        return nullptr;
    }
    auto calls = std::make_unique<NewerCalls>();
    calls->C_LoginUser = reinterpret_cast<decltype(calls->C_LoginUser)>(list->login_user);
    calls->C_SessionCancel = reinterpret_cast<decltype(calls->C_SessionCancel)>(list->session_cancel);
    calls->library = std::move(library);
    return calls;
}

}  // namespace keyway::pkcs11
