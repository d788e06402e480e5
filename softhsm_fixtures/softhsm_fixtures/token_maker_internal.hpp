// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/softhsm_store.hpp>
#include <softhsm_fixtures/token_archive_internal.hpp>

#include <filesystem>
#include <vector>

namespace softhsm_fixtures::internal {

/// Makes tokens in one SoftHSM store.
class TokenMaker {
public:
    struct Store {
        std::filesystem::path module;
        std::filesystem::path config;
        std::filesystem::path directory;  ///< where files may be made
        std::filesystem::path tokens;     ///< SoftHSM's folder
        std::vector<std::string> serials; ///< of the tokens that are there
    };
    explicit TokenMaker(Store store) : store_(std::move(store)) {}

    /// Makes a token with label and PIN files as in `token`, which gets serial and PINs. The PIN files are
    /// written.
    ///
    /// @throws FixtureError as SoftHsmStore::add_token(); what was made until then stays
    void make(TokenDetails& token, const TokenOptions& options) const;

    /// As make(), without any copying.
    void make_in_place(TokenDetails& token, const TokenOptions& options) const;

private:
    void copy(const TokenArchive& archive, TokenDetails& token) const;
    void change_pins(TokenDetails& token, const TokenOptions& options) const;
    [[nodiscard]] std::string new_serial() const;

    Store store_;
};

} // namespace softhsm_fixtures::internal
