// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/secret_source.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::pkcs11 {

/// The parts of a PKCS#11 URI; what is not given matches anything.
///
/// Parsed and formatted by p11-kit. A `pin-value` is refused, as URIs stand in settings and on command lines; a
/// `pin-source` that is a file or `env:`-like source is taken as a secret source.
/// @spec RFC 7512
/// @threadsafety a value
struct KEYWAY_API Uri {
    std::optional<std::string> token;         ///< the token's label
    std::optional<std::string> manufacturer;  ///< of the token
    std::optional<std::string> model;
    std::optional<std::string> serial;
    std::optional<std::string> object;  ///< CKA_LABEL
    std::optional<std::vector<std::uint8_t>> id;  ///< CKA_ID
    std::optional<std::string> type;              ///< "private", "public", "cert", "secret-key" or "data"
    std::optional<std::string> library_description;
    std::optional<std::string> library_manufacturer;
    std::optional<std::string> module_name;
    std::optional<std::string> module_path;
    std::optional<SecretSource> pin_source;

    /// @throws Errc::invalid_argument when it is no PKCS#11 URI, has attributes that nobody knows, or a pin-value; the
    ///         PIN is not repeated
    [[nodiscard]] static Uri parse(std::string_view text);

    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const Uri&, const Uri&) = default;
};

}  // namespace keyway::pkcs11
