// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "session.hpp"

#include <keyway/key/wrapping_key_store.hpp>

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace keyway::cli {

/// The secret keys that a backend holds, which wrap other keys; none where it keeps none.
[[nodiscard]] std::vector<WrappingKeyInfo> wrapping_keys_in(const KeyBackend& backend, const OptionValues& options);

/// The same with one label.
[[nodiscard]] std::vector<WrappingKeyInfo> wrapping_keys_with_label(const KeyBackend& backend, const OptionValues& options,
                                                                    const std::string& label);

[[nodiscard]] nlohmann::ordered_json json_of(const BackendAlias& alias, const WrappingKeyInfo& key);

/// A key that is to be taken away.
struct EndangeredKey {
    BackendAlias backend;
    std::string label;           ///< as a listing has it
    std::optional<KeyRef> ref{};  ///< nothing for a secret key
};

/// The aliases of the databases in the settings whose keys all go with it: under whichever alias they name its store.
/// @throws Errc::usage where that cannot be told
[[nodiscard]] std::vector<std::string> opened_by(Session& session, const EndangeredKey& key);

/// Refuses what would take a key away that opens all keys of a database in the settings: under whichever alias they name its store.
/// What cannot be told is refused as well.
/// @param hint what can be done
/// @throws Errc::usage with the backends whose "wrapping-key" it is, or may be
void require_no_wrapping_key(Session& session, const EndangeredKey& key, const std::string& hint);

}  // namespace keyway::cli
