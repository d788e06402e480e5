// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_info.hpp>
#include <keyway/key/key_ref.hpp>
#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace keyway::hsm {

inline constexpr std::string_view type_name = "hsm";

/// CKA_ID of an imported key: the SHA-1 of its public key bits, as NSS and most other programs choose it.
[[nodiscard]] std::vector<std::uint8_t> usual_id(const Botan::Public_Key& key);

/// CKA_ID of a key that the token makes.
[[nodiscard]] std::vector<std::uint8_t> random_id();

/// By which the key is found again.
[[nodiscard]] KeyRef reference(const BackendAlias& alias, const pkcs11::NewKey& key, const Botan::Public_Key& public_key);

/// What a reference says of where the key is in the token.
/// @throws Errc::malformed_data when it says nothing, or its id is not hexadecimal
[[nodiscard]] pkcs11::KeySelector selector(const KeyRef& ref);

/// The keys of a token as they are shown, those that cannot be used as faults.
[[nodiscard]] KeyListing listing(const BackendAlias& alias, const pkcs11::Token& token, std::span<const pkcs11::ListedKey> keys);

}  // namespace keyway::hsm
