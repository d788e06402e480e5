// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "functions.hpp"

#include <p11-kit/pkcs11.h>

#include <array>
#include <string>

namespace pkcs11_fault {

/// A function of unknown type; call() casts it back.
using AnyFunction = void (*)();

/// C_GetFunctionList, C_GetInterfaceList and C_GetInterface, which Function leaves out, are in the lists too.
inline constexpr std::size_t functions_2_40 = 67;
inline constexpr std::size_t functions_3_0 = 89;
inline constexpr std::size_t functions_3_2 = function_count;

/// CK_FUNCTION_LIST, CK_FUNCTION_LIST_3_0 and CK_FUNCTION_LIST_3_2 are all this, with fewer functions. The header at
/// hand may know 2.40 only.
struct FunctionList {
    CK_VERSION version;
    std::array<AnyFunction, function_count + 3> functions;
};

/// Where a function stands in a list.
[[nodiscard]] constexpr std::size_t place_of(std::size_t function) noexcept {
    constexpr std::size_t get_function_list = 3;
    if (function < get_function_list) {
        return function;
    }
    return function < functions_2_40 ? function + 1 : function + 3;
}

/// CK_INTERFACE of PKCS#11 3.0.
struct Interface {
    char* name;
    void* function_list;
    CK_FLAGS flags;
};

/// The module behind this one, loaded and never unloaded.
class RealModule {
public:
    /// @throws PlanError when it cannot be loaded, is no PKCS#11 module, or is this one
    explicit RealModule(const std::string& path);

    template <Function F, typename... Arguments>
    CK_RV call(Arguments... arguments) const {
        return reinterpret_cast<CK_RV (*)(Arguments...)>(functions_[index_of(F)])(arguments...);
    }

    /// What the module itself offers of a function; null when its lists are too old to have it.
    [[nodiscard]] AnyFunction function(Function which) const noexcept { return functions_[index_of(which)]; }

    /// The version of the newest function list, 2.40 or later.
    [[nodiscard]] CK_VERSION version() const noexcept { return version_; }

    /// How many functions that list has, in the order of Function.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    void take(const FunctionList& list, std::size_t count);

    std::array<AnyFunction, function_count> functions_{};
    CK_VERSION version_{};
    std::size_t count_ = 0;
};

} // namespace pkcs11_fault
