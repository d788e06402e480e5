// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/config/settings.hpp>
#include <keyway/core/error.hpp>

#include <exception>
#include <type_traits>

namespace keyway {

/// Throws the error again, with the backend's name in it and with the cause it had.
[[noreturn]] inline void throw_naming_backend(const Error& error, const BackendAlias& alias) {
    const auto named = error.in_backend(alias.str());
    try {
        std::rethrow_if_nested(error);
    } catch(...) {
        std::throw_with_nested(named);
    }
    throw named;
}

/// Runs work, and lets errors that come out of it tell in which backend they happened.
template <typename Work>
std::invoke_result_t<const Work&> naming_backend(const BackendAlias& alias, const Work& work) {
    try {
        return work();
    } catch(const Error& error) {
        throw_naming_backend(error, alias);
    }
}

}  // namespace keyway
