// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/clock.hpp>
#include <keyway/key/key_backend.hpp>
#include <keyway/key/key_ref.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace keyway {

/// A key that is to be moved from one backend to another, or to another label in the same one.
struct KeyMigration {
    KeyBackend& from;
    KeyRef ref;          ///< of a key in `from`
    OptionValues use;    ///< of phase use, for `from`
    KeyBackend& to;
    OptionValues store;  ///< of phase store, for `to`: the new label among them
    OptionValues use_new{};  ///< of phase use, for `to`
    /// Whether the key of a token may come through the memory of this process where it cannot go to the other token encrypted for
    /// that. To a place that keeps its keys in software it comes so anyway.
    bool through_memory = false;
};

/// How the private key went from one place to the other.
enum class MigrationWay {
    import,  ///< in the memory of this process
    wrapped  ///< encrypted by one token for the other
};

/// How it was shown that the two are one key.
enum class MigrationProof {
    signatures,  ///< both signed the statement: whoever has the receipt can verify it
    agreement    ///< of keys that cannot sign: both agreed on the same secret with a key that was made for it and thrown away
};

/// Proof that the key in the new place is the key of the old one: both signed the same statement, which nobody could have
/// known before; or both agreed on the same secret.
struct MigrationReceipt {
    KeyRef from;
    KeyRef to;
    MigrationWay way = MigrationWay::import;
    Time time{};
    std::vector<std::uint8_t> challenge;  ///< 32 random bytes
    MigrationProof proof = MigrationProof::signatures;
    std::string scheme;      ///< SignatureScheme::name(), or `x25519-hmac-sha256`, `x448-hmac-sha256`
    std::string public_key;  ///< in PEM
    std::vector<std::uint8_t> signature_of_old;
    std::vector<std::uint8_t> signature_of_new;

    // Of an agreement: the HMAC-SHA-256 of the statement by the secret that the key agrees on with the ephemeral one. Whoever
    // can use the key can work it out again; others have to believe the process that wrote the receipt.
    std::string ephemeral_public_key{};  ///< in PEM
    std::vector<std::uint8_t> confirmation_of_old{};
    std::vector<std::uint8_t> confirmation_of_new{};

    /// What both signed or confirmed: a text that begins with `keyway-migration-1` and holds both references, the time and the challenge.
    [[nodiscard]] KEYWAY_API std::string statement() const;

    /// As it is kept; see docs/formats.md.
    [[nodiscard]] KEYWAY_API std::string to_json() const;
};

/// Looks whether the key is there, could leave, and is of a kind that the other backend holds. Changes nothing.
/// @return how it would go
/// @throws Errc::unsupported when it could not be moved, with why and what can be done; and as KeyBackend::check
KEYWAY_API MigrationWay require_movable(const KeyMigration& migration);

/// Moves a key. It stays where it was, too: removing it there is another decision, for KeyRemover.
///
/// From token to token it goes encrypted by one for the other. Out of a token to software, and where KeyMigration::through_memory
/// says so, the token encrypts it for this process, which stores it in the new place; out of software it is stored as it is.
///
/// The key is stored in the new place, opened there, both keys sign the same statement, both signatures are verified (x25519 and
/// x448 keys agree on secrets, which are compared), and the receipt is given to `keep`. Whatever fails on the way, also in `keep`, the new key is removed again.
/// @param keep writes the receipt down, durably; may be empty
/// @throws Errc::unsupported when the key may not leave; Errc::key_mismatch, Errc::verification_failed when the new key is not
///         the old one; what use and store of the backends throw
/// @throws Errc::storage_failed when it failed and the new key could not be removed; the hint has its reference
/// @threadsafety safe if the backends are
[[nodiscard]] KEYWAY_API MigrationReceipt migrate_key(const KeyMigration& migration,
                                                      const Clock& clock,
                                                      const std::function<void(const MigrationReceipt&)>& keep);

}  // namespace keyway
