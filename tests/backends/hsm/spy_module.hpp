// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <atomic>

namespace keyway::test {

/// Steers the spy module, which stands before another PKCS#11 module and does what that one cannot do on demand.
struct Spy {
    static constexpr unsigned long ok = 0;

    std::atomic<int> logins{0};
    std::atomic<unsigned long> login_result{ok};       ///< other than ok: what C_Login answers, without logging in
    std::atomic<unsigned long> extra_token_flags{0};   ///< set in every CK_TOKEN_INFO
    std::atomic<unsigned long> most_sessions{0};       ///< other than 0: what CK_TOKEN_INFO says

    std::atomic<int> creations_until_failure{0};       ///< n: the nth C_CreateObject from now fails
    std::atomic<unsigned long> creation_result{ok};

    std::atomic<int> signatures{0};
    std::atomic<int> failing_signatures{0};            ///< so many C_Sign from now fail
    std::atomic<unsigned long> signature_result{ok};
    std::atomic<bool> corrupt_signatures{false};
    std::atomic<bool> short_signatures{false};
};

}  // namespace keyway::test
