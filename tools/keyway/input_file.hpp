// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <botan/secmem.h>

#include <cstdint>
#include <span>
#include <string>

namespace keyway::cli {

/// A file, or standard input for the name `-`, read piece by piece.
class InputFile {
public:
    /// @throws Errc::storage_failed when it cannot be opened
    explicit InputFile(const std::string& name);
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;
    ~InputFile();

    /// The next bytes, none at the end; valid until the next call.
    /// @throws Errc::storage_failed
    [[nodiscard]] std::span<const std::uint8_t> next();

    /// For messages.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    std::string name_;
    int fd_;
    Botan::secure_vector<std::uint8_t> block_;
};

/// All of a key, certificate, request or reference: at most 1 MiB.
/// @throws Errc::storage_failed; Errc::malformed_data when there is more
[[nodiscard]] Botan::secure_vector<std::uint8_t> read_input(const std::string& name);

}  // namespace keyway::cli
