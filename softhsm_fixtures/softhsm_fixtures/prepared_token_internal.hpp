// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/softhsm_store.hpp>
#include <softhsm_fixtures/token_archive_internal.hpp>

#include <filesystem>
#include <functional>
#include <optional>

namespace softhsm_fixtures::internal {

/// A token that fits the options, to be copied: from the cache, or made with `make` and put there for the
/// next one.
///
/// While one process or thread makes it, the others wait. Nothing when `make` gives nothing.
///
/// @throws FixtureError as TokenCache::open(), and what `make` throws
[[nodiscard]] std::optional<TokenArchive>
prepared_token(const std::filesystem::path& module, const TokenOptions& options,
               const std::function<std::optional<TokenArchive>()>& make);

} // namespace softhsm_fixtures::internal
