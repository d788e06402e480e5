// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

namespace keyway {

/// Something other than a plain use of a key that happened with a token: for traces and logs. Never a secret.
///
/// | event | when | attempt | took |
/// |---|---|---|---|
/// | `session-wait` | a thread got a session that it had to wait for | | how long it waited |
/// | `failure` | a call failed, and something is done about it | of the failures of one operation | |
/// | `login` | C_Login, also one that failed | | of the call with what belongs to it |
/// | `find` | a key was found again, or not | | of the search |
/// | `away` | the token is away from now on | | |
/// | `look` | it was looked for | from 1 while it is away | of the look |
/// | `reload` | its module was finalised and initialised again | | of both |
/// | `back` | it is there again | | how long it was away |
///
/// The texts last as long as the call of the observer.
struct TokenEvent {
    std::string_view event;
    std::string_view backend;       ///< the alias
    std::string_view token;         ///< the label
    std::string_view return_value;  ///< "CKR_DEVICE_REMOVED", or the error's class where no call told one; empty: it went well
    int attempt = 0;                ///< 0: there is none
    std::chrono::microseconds took{0};
};

/// Is told of each event by the thread to which it happens, which may hold locks: it has to be quick and to leave the token
/// alone. What it throws is lost.
/// @threadsafety has to be safe
using TokenEventObserver = std::function<void(const TokenEvent&)>;

}  // namespace keyway
