// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/wrapped_transfer.hpp>

#include <memory>

namespace Botan {
class Private_Key;
class RSA_PrivateKey;
}

namespace keyway {

/// The receiving end of a wrapped transfer for a place that keeps its keys in software: what a token encrypted for it is opened in
/// the memory of this process.
class TransportInMemory {
public:
    /// Makes an RSA key of 3072 bits, which takes a second at the most.
    TransportInMemory();
    TransportInMemory(const TransportInMemory&) = delete;
    TransportInMemory& operator=(const TransportInMemory&) = delete;
    ~TransportInMemory();

    /// The public half; takes every hash and format.
    [[nodiscard]] TransportKey transport_key() const;

    /// What came, decrypted. All of it is in wiped memory.
    /// @param public_half of the key that is to come
    /// @throws Errc::malformed_data when it cannot be opened, Errc::key_mismatch when it is another key
    [[nodiscard]] std::unique_ptr<Botan::Private_Key> open(const TransportedKey& came, const Botan::Public_Key& public_half) const;

private:
    std::unique_ptr<Botan::RSA_PrivateKey> key_;
};

}  // namespace keyway
