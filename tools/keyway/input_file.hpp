// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>

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

    /// How many bytes it has, where that is known before reading it: else 0.
    [[nodiscard]] std::uint64_t size() const noexcept;

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

/// What `read` makes of such a file; what it throws then names the file.
template <typename Read>
[[nodiscard]] auto read_input_as(const std::string& name, Read read) {
    const auto bytes = read_input(name);
    try {
        return read(bytes);
    } catch(const Error& error) {
        throw Error(error.code(), in_quotes(name) + ": " + error.message(), error.hint());
    }
}

}  // namespace keyway::cli
