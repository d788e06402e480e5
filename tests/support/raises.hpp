// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <ostream>
#include <utility>

namespace keyway {

inline std::ostream& operator<<(std::ostream& out, Errc code) {
    return out << to_string(code);
}

}  // namespace keyway

namespace keyway::test {

/// The keyway::Error that a piece of work ends with; a test failure when it ends well.
template <typename Work>
Error raised(Work&& work) {
    try {
        static_cast<void>(std::forward<Work>(work)());
    } catch(const Error& error) {
        return error;
    }
    FAIL("no keyway::Error was thrown");
    std::abort();  // FAIL does not return
}

}  // namespace keyway::test

/// The expression throws a keyway::Error of this class.
#define CHECK_RAISES(expression, expected)                                                                  \
    do {                                                                                                 \
        const auto keyway_raised = ::keyway::test::raised([&] {                                          \
            static_cast<void>(expression);                                                               \
            return 0;                                                                                    \
        });                                                                                              \
        INFO(keyway_raised.what());                                                                      \
        CHECK(keyway_raised.code() == (expected));                                                        \
    } while(false)
