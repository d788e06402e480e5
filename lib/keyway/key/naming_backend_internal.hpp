// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/config/settings.hpp>
#include <keyway/core/error.hpp>

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

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

/// What a function of the caller threw. No std::exception, so that nobody on the way gets over it, or names the backend in it.
struct CallersError {
    std::exception_ptr error;
};

/// Gives the caller's function to the work in such a form that what it throws comes out here as it is.
template <typename Result, typename... Parameters, typename Work>
decltype(auto) passing_errors_of(const std::function<Result(Parameters...)>& callers, const Work& work) {
    const auto guarded = [&](Parameters... parameters) -> Result {
        try {
            return callers(std::forward<Parameters>(parameters)...);
        } catch(...) {
            throw CallersError{std::current_exception()};
        }
    };
    try {
        return work(guarded);
    } catch(const CallersError& failed) {
        std::rethrow_exception(failed.error);
    }
}

}  // namespace keyway
