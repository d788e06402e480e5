// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <botan/secmem.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace keyway {

/// A folder with a file for each key, that only its owner can enter.
/// @threadsafety safe; between processes the file system sees to it that a name is given once
class KeyFolder {
public:
    /// @param path relative to the current folder as it is now
    explicit KeyFolder(const std::filesystem::path& path);

    /// The names of the files that could be keys (*.pem, *.der), sorted; none when the folder is not there yet.
    /// @throws Errc::permissions_insecure when the folder is open to others; Errc::storage_failed
    [[nodiscard]] std::vector<std::string> names() const;

    [[nodiscard]] bool has(const std::string& name) const;

    /// Reads a file; nothing when there is none of that name.
    /// @throws Errc::permissions_insecure when the folder or file is open to others, belongs to another user, or is a
    ///         symbolic link; Errc::malformed_data when it is no file or too large; Errc::storage_failed
    [[nodiscard]] std::optional<Botan::secure_vector<std::uint8_t>> read(const std::string& name) const;

    /// Adds a file, and makes the folder if it is not there yet.
    ///
    /// @param require_free throws when another file stands in the way; nobody else adds one between this and the end
    /// @throws Errc::already_exists when the name is taken; Errc::permissions_insecure; Errc::storage_failed
    void add(const std::string& name,
             std::span<const std::uint8_t> bytes,
             const std::function<void()>& require_free) const;

    /// Writes into a file without a name, which goes again.
    /// @throws Errc::storage_failed when a file cannot be added, or the folder is not there yet; Errc::permissions_insecure
    void require_writable() const;

    /// @throws Errc::permissions_insecure; Errc::storage_failed
    void remove(const std::string& name) const;

    [[nodiscard]] std::filesystem::path file(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

}  // namespace keyway
