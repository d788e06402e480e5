// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/load_module_internal.hpp>
#include <keyway/pkcs11/module_internal.hpp>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>

namespace keyway::pkcs11 {

namespace {

Error cannot_load(const std::string& name, const std::string& why) {
    return {Errc::token_not_found, "cannot load the PKCS#11 module " + in_quotes(name) + ": " + why,
            "give the path of the module's library, or a name that `p11-kit list-modules` shows"};
}

FunctionList* load_by_path(const std::string& path) {
    // Without P11_KIT_MODULE_UNMANAGED: a managed module is reference counted, initialised with locking, and safe to
    // share with other users of p11-kit in this process.
    auto* const calls = p11_kit_module_load(path.c_str(), 0);
    if(calls == nullptr) {
        const char* const why = p11_kit_message();
        throw cannot_load(path, why == nullptr ? "it is no PKCS#11 module" : why);
    }
    return calls;
}

FunctionList* load_by_name(const std::string& name) {
    auto** const all = p11_kit_modules_load(nullptr, 0);
    if(all == nullptr) {
        const char* const why = p11_kit_message();
        throw cannot_load(name, why == nullptr ? "p11-kit has no modules" : why);
    }
    auto* const wanted = p11_kit_module_for_name(all, name.c_str());
    std::string names;
    for(auto** module = all; *module != nullptr; ++module) {
        if(char* const other = p11_kit_module_get_name(*module)) {
            names += (names.empty() ? "" : ", ") + std::string(other);
            std::free(other);
        }
        if(*module != wanted) {
            p11_kit_module_release(*module);
        }
    }
    std::free(all);  // the list itself; its modules were released above, but for the one wanted
    if(wanted == nullptr) {
        throw cannot_load(name, "p11-kit knows no module of that name (it knows: " + names + ")");
    }
    return wanted;
}

/// Text that p11-kit gives away.
struct Freed {
    void operator()(char* text) const noexcept { std::free(text); }
};
using OwnText = std::unique_ptr<char, Freed>;

}  // namespace

FunctionList* load_module(const std::string& path_or_name) {
    return path_or_name.find('/') != std::string::npos ? load_by_path(path_or_name) : load_by_name(path_or_name);
}

bool speaks_by_one_connection(FunctionList& calls) {
    const OwnText file(p11_kit_module_get_filename(&calls));
    const OwnText remote(p11_kit_config_option(&calls, "remote"));
    return remote || (file && std::string_view(file.get()).find("p11-kit-client") != std::string_view::npos);
}

std::string what_a_module_may_lack(FunctionList& calls, const std::string& name) {
    auto* const text = p11_kit_module_get_filename(&calls);
    const auto file = text == nullptr ? name : std::string(text);
    std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): p11-kit's
    if(file.find("softokn") != std::string::npos) {
        return "NSS wants the folder of its database in init-args: configDir='sql:FOLDER'; `certutil -N -d sql:FOLDER` makes one";
    }
    return std::string("its configuration may be missing or unreadable") +
           (file.find("softhsm") != std::string::npos ? " (SoftHSM: SOFTHSM2_CONF)" : "");
}

void leave_to_the_process(const void* given_up) noexcept {
    struct Left {
        const void* what;
        const Left* next;
    };
    static std::atomic<const Left*> all{nullptr};
    auto* const one = new(std::nothrow) Left{given_up, all.load()};
    while(one != nullptr && !all.compare_exchange_weak(one->next, one)) {
    }
}

}  // namespace keyway::pkcs11
