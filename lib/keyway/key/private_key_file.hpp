// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/secret.hpp>

#include <botan/secmem.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace Botan {
class Private_Key;
class Public_Key;
}  // namespace Botan

namespace keyway {

/// Gives a passphrase when one is needed, and is not called when none is.
using AskPassphrase = std::function<Secret()>;

/// A file that holds one private key, parsed but not opened.
///
/// PKCS#8, encrypted (PBES2) or not; PKCS#12 with a key that is encrypted so; also the older PKCS#1 (RSA) and SEC 1 (EC)
/// forms, in PEM also with the old encryption of OpenSSL (`Proc-Type: 4,ENCRYPTED`). In DER, or (PKCS#12 aside) in PEM with
/// other blocks and text around it; a `PUBLIC KEY` block in the same file is the key's public half.
/// @spec RFC 5958, RFC 8018 6.2, RFC 7914 7, RFC 7292, RFC 8017 A.1.2, RFC 5915, RFC 1421 4.6.1
/// @threadsafety immutable
class KEYWAY_API PrivateKeyFile {
public:
    /// @param name the file's name, for messages
    /// @throws Errc::malformed_data when there is no private key in it, more than one, or it is truncated or damaged
    /// @throws Errc::unsupported when it is of a form that is not read; the hint says how to convert it
    [[nodiscard]] static PrivateKeyFile parse(std::span<const std::uint8_t> bytes, std::string_view name);

    /// As parse, but nothing for a PEM file that holds other things only (a certificate, say).
    [[nodiscard]] static std::optional<PrivateKeyFile> find(std::span<const std::uint8_t> bytes,
                                                            std::string_view name);

    [[nodiscard]] bool is_encrypted() const noexcept { return encrypted_; }

    /// The public half as the file states it beside the key; null when it does not. Nothing is proven before open().
    [[nodiscard]] const std::shared_ptr<const Botan::Public_Key>& public_key() const noexcept {
        return public_key_;
    }

    /// Decrypts the key if need be, and checks that it works and that it is the key of public_key().
    ///
    /// @throws Errc::passphrase_incorrect when the passphrase does not open it, or the file is damaged: the
    ///         encryption cannot tell the two apart
    /// @throws Errc::secret_unavailable when it is encrypted and there is nobody to ask
    /// @throws Errc::malformed_data when what is inside is damaged
    /// @throws Errc::unsupported when the encryption or the key is of a kind that is not read, or asks for too much work
    [[nodiscard]] std::unique_ptr<Botan::Private_Key> open(const AskPassphrase& passphrase = {}) const;

private:
    PrivateKeyFile(Botan::secure_vector<std::uint8_t> der, std::string name);
    PrivateKeyFile(Botan::secure_vector<std::uint8_t> body, std::string name, std::string old_encryption);

    Botan::secure_vector<std::uint8_t> der_;
    std::string name_;
    std::string old_encryption_;  // the header DEK-Info, where there is one
    bool encrypted_;
    std::shared_ptr<const Botan::Public_Key> public_key_;
};

/// Reads a private key made elsewhere: PrivateKeyFile::parse and open in one.
[[nodiscard]] KEYWAY_API std::unique_ptr<Botan::Private_Key> read_private_key(
    std::span<const std::uint8_t> bytes,
    std::string_view name,
    const AskPassphrase& passphrase = {});

}  // namespace keyway
