// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/secret.hpp>
#include <keyway/key/wrapping_key_name.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace Botan {
class Private_Key;
}

namespace keyway {

/// A secret key encrypted under a key of a backend: what a store keeps of it.
struct WrappedKey {
    /// How: "RSA-OAEP-SHA-256" or "RSA-OAEP-SHA-1", MGF1 with the same hash and no label; "AES-KEY-WRAP" (RFC 3394),
    /// "AES-KEY-WRAP-KWP" (RFC 5649) or "AES-KEY-WRAP-PAD" (what a token makes of that).
    std::string mechanism;
    std::vector<std::uint8_t> bytes;

    /// By the same RSA key, over the purpose, the mechanism and the bytes (PKCS#1 v1.5 with SHA-256); empty when the key may not
    /// sign, or is an AES key.
    std::vector<std::uint8_t> signature;
};

/// Encrypts secret keys under one key of a backend, so that a store of many keys can be opened with that key alone: one in
/// an HSM, say.
///
/// Everybody who has the public key can encrypt; the signature shows that the owner of the private key did. It is asked for
/// whenever the key may sign, whatever the store says. With an AES key only who may use that can wrap at all.
/// @threadsafety one thread at a time
class KEYWAY_API KeyWrapper {
public:
    virtual ~KeyWrapper();

    /// By what the key is known again, as 64 hexadecimal digits: of a key pair the SHA-256 of its SubjectPublicKeyInfo, of a
    /// secret key the SHA-256 of what it wraps a constant to.
    /// @param mechanism of what was wrapped, as a secret key's depends on it; empty for what is wrapped now
    /// @throws Errc::unsupported when the key knows no such mechanism; what using the key throws
    [[nodiscard]] virtual std::string fingerprint(std::string_view mechanism) const = 0;

    /// @param purpose what the secret is for: it opens for nothing else where the key may sign
    /// @throws Errc::unsupported when the key cannot do this; what using it throws
    [[nodiscard]] virtual WrappedKey wrap(const Secret& secret, std::span<const std::uint8_t> purpose) const = 0;

    /// @throws Errc::malformed_data when it was wrapped by another key, for another purpose, or has been changed; what using
    ///         the key throws
    [[nodiscard]] virtual Secret unwrap(const WrappedKey& wrapped, std::span<const std::uint8_t> purpose) const = 0;
};

/// Opens a key for wrapping; how a backend is given another one's key. May be empty.
/// @threadsafety has to be safe
using KeyWrapperOpener = std::function<std::unique_ptr<KeyWrapper>(const WrappingKeyName& name)>;

/// A wrapper by an RSA key of any backend, with OAEP: with SHA-256, or with SHA-1 where the key's token has no other.
/// @throws Errc::unsupported when it is no RSA key, or one that may not decrypt
/// @spec RFC 8017 7.1
[[nodiscard]] KEYWAY_API std::unique_ptr<KeyWrapper> rsa_key_wrapper(std::unique_ptr<Botan::Private_Key> key);

}  // namespace keyway
