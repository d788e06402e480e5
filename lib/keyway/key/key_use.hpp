// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>

#include <chrono>
#include <functional>
#include <string_view>

namespace keyway {

/// One use of a private key, or of a secret key that wraps others: what a trace or an audit record wants to know. Never a secret, nor what was signed.
///
/// The texts are those of the key and last as long as the call of the observer.
struct KeyUse {
    std::string_view backend;     ///< the alias
    std::string_view key;         ///< for people: `key with label "root" in token "ca"`
    std::string_view spki_sha256; ///< of the public key, in hexadecimal; empty of a secret key
    /// "sign", "decrypt", "agree", "decapsulate"; of a key made by fallback also "create" and "open"; of a secret key "wrap", "unwrap",
    /// and "identify" where it has wrapped a constant, by which it is known again.
    std::string_view operation;
    std::chrono::microseconds took{0};
    int failures = 0;             ///< calls of the token that failed on the way
    bool repeated = false;        ///< the token may have done it more than once
    bool verified = false;        ///< the answer was seen to be the key's, by its public key, before it was handed out
    const Error* error = nullptr; ///< what it came to, when it failed
    std::string_view fallback_from{};     ///< the alias of the backend in whose place this one stands in; empty: none
    std::string_view fallback_because{};  ///< at "create": what that backend said
    std::string_view label{};             ///< of a secret key, which has nothing else to be told by
};

/// Is told of each use, by the thread that uses the key, before the result is handed out. What it throws takes the result's
/// place: so that nothing is signed which could not be recorded.
/// @threadsafety has to be safe
using KeyUseObserver = std::function<void(const KeyUse&)>;

}  // namespace keyway
