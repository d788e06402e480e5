// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/export.hpp>
#include <softhsm_fixtures/softhsm_store.hpp>

#include <filesystem>
#include <string>

namespace softhsm_fixtures {

/// A SoftHSM token of its own: a store that starts with one token.
///
/// Ready when constructed and removed when destroyed; see SoftHsmStore for where it lives and when it is
/// kept. The module finds it when SOFTHSM2_CONF points to config_path() while it is initialised;
/// ScopedSoftHsmConf does that. Moved, not copied; a moved-from token can only be destroyed or assigned.
///
/// @threadsafety one thread at a time per token
class SOFTHSM_FIXTURES_API SoftHsmToken {
public:
    /// Makes the folder, the configuration and the token.
    ///
    /// The folder of a token with 200 objects or more is in memory, in /dev/shm, unless `store` or TMPDIR
    /// says where.
    ///
    /// @throws FixtureError as SoftHsmStore and SoftHsmStore::add_token(); nothing is left behind
    explicit SoftHsmToken(const TokenOptions& token = {}, const StoreOptions& store = {})
        : store_(with_parent_for(token, store)) {
        store_.add_token(token);
    }

    [[nodiscard]] const std::string& label() const noexcept { return details().label; }
    [[nodiscard]] const std::string& serial() const noexcept { return details().serial; }
    [[nodiscard]] const std::string& user_pin() const noexcept { return details().user_pin; }
    [[nodiscard]] const std::string& so_pin() const noexcept { return details().so_pin; }
    [[nodiscard]] const std::filesystem::path& user_pin_file() const noexcept {
        return details().user_pin_file;
    }
    [[nodiscard]] const std::filesystem::path& so_pin_file() const noexcept { return details().so_pin_file; }
    [[nodiscard]] std::string uri() const { return details().uri(); }

    [[nodiscard]] const std::filesystem::path& module_path() const noexcept { return store_.module_path(); }
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return store_.directory(); }
    [[nodiscard]] std::filesystem::path config_path() const { return store_.config_path(); }

    /// All of the above but the paths of the store, as one value.
    [[nodiscard]] const TokenDetails& details() const noexcept { return store_.tokens().front(); }

    /// The store around the token, to which more tokens can be added.
    [[nodiscard]] SoftHsmStore& store() noexcept { return store_; }

    /// Leaves the folder where it is when the object goes, and prints its path then.
    void keep() noexcept { store_.keep(); }

private:
    [[nodiscard]] static StoreOptions with_parent_for(const TokenOptions& token, StoreOptions store);

    SoftHsmStore store_;
};

} // namespace softhsm_fixtures
