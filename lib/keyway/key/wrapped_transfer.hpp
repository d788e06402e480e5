// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/error.hpp>
#include <keyway/key/key_ref.hpp>
#include <keyway/options/option_values.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace Botan {
class Public_Key;
}

namespace keyway {

/// How a private key is encrypted under an AES key.
enum class WrapFormat {
    kwp,       ///< CKM_AES_KEY_WRAP_KWP: RFC 5649
    wrap_pad,  ///< CKM_AES_KEY_WRAP_PAD: RFC 5649 with some tokens, with others something of their own
};

/// What the receiving side made for one transfer: an RSA key pair, whose private half never leaves it.
struct TransportKey {
    std::shared_ptr<const Botan::Public_Key> public_key;
    std::vector<std::string> hashes;  ///< of OAEP, as the receiver takes them: the best first
    std::vector<WrapFormat> formats;  ///< as the receiver takes them: the best first
};

/// A private key on its way. Only who holds the transport key's private half can open it.
/// @spec PKCS#11 3.1 6.1.9: CKM_RSA_AES_KEY_WRAP is the two parts of this one after the other
struct TransportedKey {
    std::string hash;                         ///< of OAEP, and of its MGF1
    std::vector<std::uint8_t> secret;         ///< an AES-256 key made for this, by RSA-OAEP under the transport key
    WrapFormat format = WrapFormat::kwp;
    std::vector<std::uint8_t> private_key;    ///< PKCS#8, under that AES key
};

/// A backend whose keys can go to another place encrypted for it; found by dynamic_cast. Where that place is a token, they are never
/// in clear in this process.
class KEYWAY_API WrappedKeySender {
public:
    virtual ~WrappedKeySender();

    /// Why the key cannot go so, as far as that can be told without doing it: it may not leave, or the store lacks the means.
    /// @param options of phase use
    [[nodiscard]] virtual std::optional<Error> check_send(const KeyRef& ref, const OptionValues& options) const = 0;

    /// Encrypts the private key for the holder of the transport key. Nothing stays in the store of what was made for it.
    /// @param options of phase use
    /// @throws Errc::unsupported when the key may not leave, or no hash or format is one that both sides have; as KeyBackend::use
    /// @threadsafety as the backend
    [[nodiscard]] virtual TransportedKey send(const KeyRef& ref, const TransportKey& under, const OptionValues& options) const = 0;
};

/// A backend that can take in a private key encrypted for it; found by dynamic_cast.
class KEYWAY_API WrappedKeyReceiver {
public:
    virtual ~WrappedKeyReceiver();

    /// Why no key can come so, as far as that can be told without doing it.
    /// @param options of phase store
    [[nodiscard]] virtual std::optional<Error> check_receive(const OptionValues& options) const = 0;

    /// Makes a transport key, asks for the private key under it, and keeps that as KeyBackend::store does. The transport key is
    /// gone afterwards, however it ended; when it failed, nothing of the key is there.
    /// @param public_half of the key that is to come
    /// @param options of phase store
    /// @param send asked once, or again when the store failed by something that it got over; what it throws is passed on
    /// @throws Errc::malformed_data when what came cannot be opened; as KeyBackend::store
    /// @threadsafety as the backend
    [[nodiscard]] virtual KeyRef receive(const Botan::Public_Key& public_half,
                                         const OptionValues& options,
                                         const std::function<TransportedKey(const TransportKey&)>& send) = 0;
};

}  // namespace keyway
