// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>

#include <botan/secmem.h>

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string_view>

namespace keyway {

/// A PIN, passphrase or key in memory that is wiped when it goes.
///
/// It cannot be printed, compared or copied by accident: `clone()` copies and `reveal()` reads, both easy to grep.
/// @threadsafety reading from several threads is safe
class KEYWAY_API Secret {
public:
    /// Copies the bytes; the caller wipes its own copy.
    explicit Secret(std::string_view bytes);
    explicit Secret(Botan::secure_vector<std::uint8_t> bytes) noexcept;

    Secret(Secret&&) noexcept = default;
    Secret& operator=(Secret&&) noexcept = default;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() = default;

    [[nodiscard]] Secret clone() const;

    /// The secret's bytes, valid as long as this object.
    [[nodiscard]] std::string_view reveal() const noexcept;
    [[nodiscard]] std::span<const std::uint8_t> reveal_bytes() const noexcept { return bytes_; }

    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

    bool operator==(const Secret&) const = delete;
    friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

private:
    Botan::secure_vector<std::uint8_t> bytes_;
};

}  // namespace keyway
