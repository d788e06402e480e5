// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/descriptor_internal.hpp>
#include <softhsm_fixtures/token_archive_internal.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace softhsm_fixtures::internal {

/// The folder in which prepared tokens are kept, one file each, named by a key.
///
/// @threadsafety safe, also between processes
class TokenCache {
public:
    /// Opens $SOFTHSM_FIXTURES_CACHE, or the first that is usable of $XDG_CACHE_HOME/softhsm-fixtures,
    /// ~/.cache/softhsm-fixtures and a folder in $TMPDIR; nothing when none is.
    ///
    /// @throws FixtureError when SOFTHSM_FIXTURES_CACHE is set and cannot be used, or others could write
    /// there
    [[nodiscard]] static std::optional<TokenCache> open();

    /// The entry; nothing when there is none, or it is broken or past its time.
    [[nodiscard]] std::optional<TokenArchive> find(const std::string& key) const;

    /// Keeps an entry in the place of what may be there. A failure is no error: the next one makes it again.
    ///
    /// Entries that were not used for 30 days go.
    void store(const std::string& key, const TokenArchive& archive) const noexcept;

    /// Waits until nobody else makes this entry; the lock ends when the result goes.
    [[nodiscard]] Descriptor lock(const std::string& key) const;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    TokenCache(std::filesystem::path path, Descriptor folder)
        : path_(std::move(path)), folder_(std::move(folder)) {}
    [[nodiscard]] static std::optional<TokenCache> open_folder(const std::filesystem::path& path,
                                                               std::string& why_not);
    void remove_old() const;

    std::filesystem::path path_;
    Descriptor folder_;
};

} // namespace softhsm_fixtures::internal
