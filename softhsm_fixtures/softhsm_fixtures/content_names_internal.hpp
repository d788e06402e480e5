// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/content_model_internal.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The words a list may use, in the order in which messages list them.
namespace softhsm_fixtures::internal {

struct TypeName {
    std::string_view name;
    EntryType type;
    std::vector<std::string_view> members; ///< besides "type"
};
[[nodiscard]] const std::vector<TypeName>& known_types();

/// The members of the object "certificate" in a key's entry.
[[nodiscard]] const std::vector<std::string_view>& certificate_members();

/// By the names of NIST and RFC 5639, which say what a curve is without telling who standardised it again.
struct CurveName {
    std::string_view name;
    std::string_view openssl; ///< its short name in OpenSSL
};
[[nodiscard]] std::span<const CurveName> known_curves();

/// The hashes an HMAC key may be for, with its default size.
struct HashName {
    std::string_view name;
    unsigned bits;
    unsigned long key_type; ///< CKK_...
};
[[nodiscard]] std::span<const HashName> known_hashes();

/// To which objects of an entry an attribute belongs; several may be added up.
enum AttributeOwner : unsigned {
    of_private = 1,
    of_public = 2,
    of_secret = 4,
    of_certificate = 8,
    of_data = 16
};

struct AttributeName {
    std::string_view name;
    unsigned long type;  ///< CKA_...
    unsigned owners = 0; ///< AttributeOwner
};
[[nodiscard]] std::span<const AttributeName> known_attributes();

/// The attribute types of RFC 4514 that subjects may use.
[[nodiscard]] std::span<const std::string_view> known_subject_attributes();

} // namespace softhsm_fixtures::internal
