// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/config/settings.hpp>
#include <keyway/core/error.hpp>

#include <exception>
#include <type_traits>

namespace keyway {

/// Runs work, and lets errors that come out of it tell in which backend they happened.
template <typename Work>
std::invoke_result_t<const Work&> naming_backend(const BackendAlias& alias, const Work& work) {
    try {
        return work();
    } catch(const Error& error) {
        if(!error.backend().empty()) {
            throw;
        }
        std::throw_with_nested(error.in_backend(alias.str()));
    }
}

}  // namespace keyway
