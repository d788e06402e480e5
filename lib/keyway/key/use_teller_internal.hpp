// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>
#include <keyway/key/key_use.hpp>
#include <keyway/key/spki_fingerprint.hpp>

#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace keyway {

/// Tells an observer of each use of one key.
/// @threadsafety safe, as the observer has to be
class UseTeller {
public:
    /// @param backend the alias
    /// @param key for people
    /// @param observer not empty
    UseTeller(std::string backend, std::string key, const SpkiFingerprint& fingerprint, KeyUseObserver observer)
        : backend_(std::move(backend)),
          key_(std::move(key)),
          spki_sha256_(fingerprint.to_string()),
          observer_(std::move(observer)) {}

    /// Of a secret key, which has no fingerprint that its store could tell: by its label.
    UseTeller(std::string backend, std::string key, std::string label, KeyUseObserver observer)
        : backend_(std::move(backend)), key_(std::move(key)), label_(std::move(label)), observer_(std::move(observer)) {}

    /// Does one use of the key, and tells of it before its result is handed out, or its error.
    /// @param operation "sign", "decrypt", "agree"; of a secret key "wrap", "unwrap", "identify"
    /// @param work is given the KeyUse, to say more of it, and answers a value
    /// @throws what the work throws, or what the observer throws in its place
    template <typename Work>
    auto tell(std::string_view operation, const Work& work) const {
        const auto begin = std::chrono::steady_clock::now();
        KeyUse use{.backend = backend_, .key = key_, .spki_sha256 = spki_sha256_, .operation = operation, .label = label_};
        const auto ended = [&](const Error* error) {
            use.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
            use.error = error;
            observer_(use);
        };
        auto result = [&] {
            try {
                return work(use);
            } catch(const Error& error) {
                ended(&error);
                throw;
            } catch(const std::exception&) {
                // What Botan says is for the caller; a record has to be without what was worked on.
                const Error failed(Errc::internal, "the use of the key failed");
                ended(&failed);
                throw;
            }
        }();
        ended(nullptr);
        return result;
    }

private:
    std::string backend_;
    std::string key_;
    std::string spki_sha256_;  ///< empty of a secret key
    std::string label_;        ///< of a secret key
    KeyUseObserver observer_;
};

}  // namespace keyway
