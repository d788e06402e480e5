// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/pkcs11/quirks/quirk_profile.hpp>
#include <keyway/pkcs11/token_admin.hpp>
#include <keyway/pkcs11/token_info.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::pkcs11 {

/// What a module says of itself.
/// @spec PKCS#11 3.1 3.1 (CK_INFO)
struct KEYWAY_API ModuleInfo {
    std::string file;          ///< the last part of its path
    std::string manufacturer;
    std::string description;
    std::string version;       ///< of the library: "2.6"
};

/// @throws Errc::token_not_found when the module cannot be loaded
[[nodiscard]] KEYWAY_API ModuleInfo module_info(const ModuleName& module);

/// The profiles that come with the library, by name.
/// @threadsafety safe
[[nodiscard]] KEYWAY_API const std::vector<QuirkProfile>& known_quirks();

/// Reads a profile.
///
/// @param place what it is, for messages: a file's name
/// @throws Errc::malformed_data when the text is no JSON, or of another version; Errc::invalid_option when a member, or a name in a value, is
///         unknown, is missing, has the wrong form or stands twice: with the place and the names there are
[[nodiscard]] KEYWAY_API QuirkProfile parse_quirks(std::string_view json, std::string_view place);

/// Reads a profile from a file.
/// @throws Errc::storage_failed when it cannot be read; and what parse_quirks throws
[[nodiscard]] KEYWAY_API QuirkProfile read_quirks(const std::filesystem::path& file);

/// The known profile that fits a token best: the one of whose `match` the most parts are given, and of these the first.
/// Nothing when none fits.
[[nodiscard]] KEYWAY_API const QuirkProfile* find_quirks(const TokenInfo& token, const ModuleInfo& module);

/// The profile that the setting `quirks` means for a token.
///
/// @param setting "auto": the known one that fits, or one without quirks; "none": one without quirks; the name of a known
///        one; or the path of a file, with a slash or ending in .json
/// @throws Errc::invalid_option for another text, with the known names; and what read_quirks throws
[[nodiscard]] KEYWAY_API QuirkProfile load_quirks(std::string_view setting, const TokenInfo& token, const ModuleInfo& module);

}  // namespace keyway::pkcs11
