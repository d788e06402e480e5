// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/envelope_internal.hpp>
#include <keyway/backends/database/sealed_key_internal.hpp>

#include <botan/system_rng.h>

namespace keyway {

namespace {

std::vector<std::uint8_t> private_key_purpose(const KeyHeader& key) {
    return associated_data("private-key", {key.label, key.spki_sha256, key.key_type, key.created});
}

}  // namespace

// Other than that of the private key with the id of the key it is encrypted under: a rotation encrypts the data key anew,
// and leaves the private key as it is.
std::vector<std::uint8_t> data_key_purpose(const KeyHeader& key, const std::string& key_encryption_key_id) {
    return associated_data("data-key", {key_encryption_key_id, key.label, key.spki_sha256});
}

KeyRow sealed_row(const KeyHeader& header,
                  std::span<const std::uint8_t> private_key_info,
                  const KeyEncryptionKey& key_encryption_key) {
    const auto data_key = Botan::system_rng().random_vec(envelope_key_size);
    return {.header = header,
            .key_encryption_key_id = key_encryption_key.record.id,
            .wrapped_data_key = seal(key_encryption_key.bytes, data_key,
                                     data_key_purpose(header, key_encryption_key.record.id)),
            .encrypted_private_key = seal(data_key, private_key_info, private_key_purpose(header))};
}

std::optional<Botan::secure_vector<std::uint8_t>> unsealed_row(const KeyRow& row, const KeyEncryptionKey& key_encryption_key) {
    const auto data_key = unseal(key_encryption_key.bytes, row.wrapped_data_key,
                                 data_key_purpose(row.header, key_encryption_key.record.id));
    if(!data_key || data_key->size() != envelope_key_size) {
        return std::nullopt;
    }
    return unseal(*data_key, row.encrypted_private_key, private_key_purpose(row.header));
}

}  // namespace keyway
