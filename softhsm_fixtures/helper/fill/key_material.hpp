// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "openssl.hpp"
#include "token_session.hpp"

#include <softhsm_fixtures/content_model_internal.hpp>

#include <string>

namespace fill {

using softhsm_fixtures::internal::Entry;
using softhsm_fixtures::internal::EntryType;

/// A key of a list: a pair, or the public half of one.
struct KeyMaterial {
    Key key;
    bool has_private = false;
};

/// Makes the key pair that the entry asks for, in software.
///
/// @throws helper::Failure
[[nodiscard]] KeyMaterial make_key(const Entry& entry);

/// Reads a private key that is not encrypted, or a public key.
///
/// @throws helper::Failure
[[nodiscard]] KeyMaterial read_key(const std::string& pem);

/// What kind of key it is: never EntryType::key.
[[nodiscard]] EntryType type_of(const EVP_PKEY& key);

/// The parameters, such as the curve, that a token needs to make such a key itself.
void add_domain(Template& out, const EVP_PKEY& key);

/// The class's own attributes of a public key: type, parameters and value.
void add_public_value(Template& out, const EVP_PKEY& key);
void add_private_value(Template& out, const EVP_PKEY& key);

/// The public key of a pair that the token has made; `like` is one of the same kind and parameters.
[[nodiscard]] Key public_key_in(TokenSession& token, CK_OBJECT_HANDLE public_key, const EVP_PKEY& like);

/// The SHA-1 of the public key's bits, as a certificate's subject key identifier.
///
/// @spec RFC 5280 4.2.1.2 (1)
[[nodiscard]] Bytes key_identifier(const EVP_PKEY& key);

/// `size` random bytes.
[[nodiscard]] Bytes random_bytes(std::size_t size);

} // namespace fill
