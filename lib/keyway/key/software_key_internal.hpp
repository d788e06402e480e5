// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_spec.hpp>
#include <keyway/options/option_values.hpp>

#include <botan/secmem.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace Botan {
class Private_Key;
}

namespace keyway {

/// Makes a key pair in this process's memory, from the operating system's random numbers.
[[nodiscard]] std::unique_ptr<Botan::Private_Key> generate_software_key(const KeySpec& spec);

/// Refuses a key made elsewhere that cannot be a good one: composite primes, a point that is not the key's.
/// @throws Errc::malformed_data
void require_sound(const Botan::Private_Key& key);

/// Makes a key sign once, where its kind can, and verifies that with its public key.
/// @throws Errc::verification_failed
void require_signing(const Botan::Private_Key& key);

/// The key as a PKCS#8 PrivateKeyInfo in DER.
/// @throws Errc::unsupported when the key cannot leave the place where it lives (an HSM)
[[nodiscard]] Botan::secure_vector<std::uint8_t> private_key_info(const Botan::Private_Key& key);

/// The name of a key among others: UTF-8, 1 to 200 bytes, no control characters.
class KeyLabel {
public:
    /// @throws Errc::invalid_option when it is of another form
    explicit KeyLabel(std::string text);

    /// The value of the option "label".
    /// @throws Errc::invalid_option when it is missing or of another form
    [[nodiscard]] static KeyLabel of(const OptionValues& options);

    [[nodiscard]] const std::string& str() const noexcept { return text_; }

private:
    std::string text_;
};

}  // namespace keyway
