// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace softhsm_fixtures::internal {

/// A token's folder as SoftHSM 2 keeps it, with what belongs to it, to be copied as often as wanted.
///
/// SoftHSM encrypts what is private with a key of the token's own, and that with the PINs; nothing depends on
/// the token's label, serial or folder, so that a copy may have others.
struct TokenArchive {
    struct File {
        std::string name;
        std::string content;
    };
    std::string label;
    std::string serial;
    std::string user_pin;
    std::string so_pin;
    std::int64_t best_before = 0; ///< seconds since 1970; 0: always good
    std::vector<File> files;
};

/// Reads a token's folder; nothing when it is not as SoftHSM 2 is known to make it, so that it cannot be
/// copied.
///
/// @param archive label, serial and PINs; its files are replaced
[[nodiscard]] std::optional<TokenArchive> archive_of(const std::filesystem::path& token_folder,
                                                     TokenArchive archive);

/// Makes a token from the archive in a new folder, with another label and serial.
///
/// @param tokens the folder that holds SoftHSM's tokens
/// @throws FixtureError when it cannot be written; nothing is left then
void unpack(const TokenArchive& archive, const std::filesystem::path& tokens, const std::string& label,
            const std::string& serial);

/// In one string, with a check sum.
[[nodiscard]] std::string encoded(const TokenArchive& archive);

/// The opposite; nothing when it is broken or cut off.
[[nodiscard]] std::optional<TokenArchive> decoded(std::string_view text);

} // namespace softhsm_fixtures::internal
