// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/cryptoki_internal.hpp>

#include <botan/pk_keys.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace pkcs11_mock {

using Bytes = std::vector<std::uint8_t>;

/// An object of the mock's token: its attributes, and of a private key the key.
struct Object {
    Object(const CK_ATTRIBUTE* given, CK_ULONG count, CK_SESSION_HANDLE of_session) {
        for(CK_ULONG i = 0; i < count; ++i) {
            const auto* const bytes = static_cast<const std::uint8_t*>(given[i].pValue);
            values[given[i].type] = Bytes(bytes, bytes + given[i].ulValueLen);
        }
        session = flag(CKA_TOKEN) ? CK_INVALID_HANDLE : of_session;
    }

    [[nodiscard]] bool flag(CK_ATTRIBUTE_TYPE type) const {
        const auto found = values.find(type);
        return found != values.end() && found->second == Bytes{CK_TRUE};
    }

    [[nodiscard]] CK_ULONG number(CK_ATTRIBUTE_TYPE type) const {
        CK_ULONG out = CK_UNAVAILABLE_INFORMATION;
        if(const auto found = values.find(type); found != values.end() && found->second.size() == sizeof(out)) {
            std::memcpy(&out, found->second.data(), sizeof(out));
        }
        return out;
    }

    void set_number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
        values[type].resize(sizeof(value));
        std::memcpy(values[type].data(), &value, sizeof(value));
    }

    [[nodiscard]] bool fits(const CK_ATTRIBUTE* wanted, CK_ULONG count) const {
        return std::all_of(wanted, wanted + count, [&](const CK_ATTRIBUTE& one) {
            const auto found = values.find(one.type);
            return found != values.end() && found->second.size() == one.ulValueLen &&
                   std::memcmp(found->second.data(), one.pValue, one.ulValueLen) == 0;
        });
    }

    /// C_GetAttributeValue: all that can be told, and what the last that cannot was.
    [[nodiscard]] CK_RV read(CK_ATTRIBUTE* asked, CK_ULONG count) const {
        CK_RV result = CKR_OK;
        for(auto* one = asked; one != asked + count; ++one) {
            const auto found = values.find(one->type);
            const bool secret = flag(CKA_SENSITIVE) && (one->type == CKA_VALUE || one->type == CKA_SEED);
            if(found == values.end() || secret) {
                one->ulValueLen = CK_UNAVAILABLE_INFORMATION;
                result = secret ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
            } else if(one->pValue != nullptr && one->ulValueLen < found->second.size()) {
                one->ulValueLen = CK_UNAVAILABLE_INFORMATION;
                result = CKR_BUFFER_TOO_SMALL;
            } else {
                if(one->pValue != nullptr) {
                    std::copy(found->second.begin(), found->second.end(), static_cast<std::uint8_t*>(one->pValue));
                }
                one->ulValueLen = found->second.size();
            }
        }
        return result;
    }

    std::map<CK_ATTRIBUTE_TYPE, Bytes> values;
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;  // of a session object
    std::shared_ptr<Botan::Private_Key> key;        // of a private key
};

using Objects = std::map<CK_OBJECT_HANDLE, Object>;

/// Whether a mechanism fits a key: Ed448 in its pure form is asked for by parameters that are there and empty, Ed25519 by none
/// (PKCS#11 3.1 6.3.16).
[[nodiscard]] bool signs_so(const CK_MECHANISM& mechanism, const Object& object);

/// Makes the key of a private object that is written into the token.
[[nodiscard]] CK_RV read_key(Object& private_object);

/// Makes a key pair, and fills in what the objects show of it.
[[nodiscard]] CK_RV make_pair(CK_MECHANISM_TYPE mechanism, Object& public_object, Object& private_object);

}  // namespace pkcs11_mock
