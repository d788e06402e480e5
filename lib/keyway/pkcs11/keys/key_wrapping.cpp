// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/key_wrapping_internal.hpp>
#include <keyway/pkcs11/keys/offered_mechanism_internal.hpp>
#include <keyway/pkcs11/keys/session_object_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/system_rng.h>

#include <array>
#include <utility>

namespace keyway::pkcs11 {

namespace {

using Secret = Botan::secure_vector<std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t block = 8;

/// More than any private key has: RSA of 16384 bits in PKCS#8 has 9.3 kB.
constexpr CK_ULONG largest_wrapped = 64UL * 1024UL;

/// Those first whose format is the same on all tokens.
CK_MECHANISM_TYPE mechanism_for(const Session& session, std::size_t size) {
    const auto slot = slot_of(session);
    const bool whole_blocks = size % block == 0 && size >= 2 * block;
    for(const CK_MECHANISM_TYPE type : {CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PAD}) {
        if((type != CKM_AES_KEY_WRAP || whole_blocks) && offers(session.calls(), slot, type, CKF_WRAP | CKF_UNWRAP)) {
            return type;
        }
    }
    throw Error(Errc::unsupported, "the token cannot wrap this with an AES key",
                "it lacks CKM_AES_KEY_WRAP_KWP and CKM_AES_KEY_WRAP_PAD" +
                    std::string(whole_blocks ? ", and CKM_AES_KEY_WRAP" : "; CKM_AES_KEY_WRAP is for whole blocks of 8 bytes"));
}

WrappedKey wrap(const Session& session, CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type) {
    WrappedKey out{.mechanism = type, .bytes = {}};
    CK_MECHANISM mechanism{type, nullptr, 0};
    auto& calls = session.calls();
    CK_ULONG size = 0;
    auto result = calls.C_WrapKey(session.handle(), &mechanism, wrapping_key, key, nullptr, &size);
    if(result == CKR_OK && size <= largest_wrapped) {
        out.bytes.resize(size);
        result = calls.C_WrapKey(session.handle(), &mechanism, wrapping_key, key, out.bytes.data(), &size);
        if(result == CKR_BUFFER_TOO_SMALL) {  // NSS tells less than it then wants
            size = largest_wrapped;
            out.bytes.resize(size);
            result = calls.C_WrapKey(session.handle(), &mechanism, wrapping_key, key, out.bytes.data(), &size);
        }
    }
    if(result != CKR_OK || size > largest_wrapped) {
        throw call_failed(result == CKR_OK ? CKR_GENERAL_ERROR : result, "wrap a key in the token");
    }
    out.bytes.resize(size);
    return out;
}

/// A secret that is known here anyway.
Template known_secret() {
    Template out;
    out.add_number(CKA_CLASS, CKO_SECRET_KEY).add_number(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    out.add_no(CKA_TOKEN).add_yes(CKA_PRIVATE).add_no(CKA_SENSITIVE).add_yes(CKA_EXTRACTABLE);
    return out;
}

SessionObject write_secret(const Session& session, std::span<const std::uint8_t> secret) {
    auto attributes = known_secret();
    attributes.add(CKA_VALUE, secret);
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    if(const auto result = session.calls().C_CreateObject(session.handle(), attributes.data(), attributes.size(), &object);
       result != CKR_OK) {
        throw call_failed(result, "write a secret that is to be wrapped into the token");
    }
    return {session, object};
}

/// Whether the token is well, and so what it was given is not. A token that takes no secret in clear cannot be asked: then it is not
/// known to be.
bool wraps_and_unwraps(const Session& session, CK_OBJECT_HANDLE wrapping_key, CK_MECHANISM_TYPE type) {
    try {
        const auto secret = write_secret(session, Botan::system_rng().random_vec(2 * block));
        auto wrapped = wrap(session, wrapping_key, secret.handle(), type);
        auto attributes = known_secret();
        CK_MECHANISM mechanism{type, nullptr, 0};
        CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
        const auto result = session.calls().C_UnwrapKey(session.handle(), &mechanism, wrapping_key, wrapped.bytes.data(),
                                                        wrapped.bytes.size(), attributes.data(), attributes.size(), &object);
        if(result == CKR_OK) {
            const SessionObject unwrapped(session, object);
        }
        return result == CKR_OK;
    } catch(const Error&) {
        return false;
    }
}

/// What tokens say of bytes that were not wrapped by this key; the last two say it of anything.
bool may_be_wrong_bytes(CK_RV result) {
    switch(result) {
        case CKR_DATA_INVALID:
        case CKR_DATA_LEN_RANGE:
        case CKR_ENCRYPTED_DATA_INVALID:
        case CKR_ENCRYPTED_DATA_LEN_RANGE:
        case CKR_WRAPPED_KEY_INVALID:
        case CKR_WRAPPED_KEY_LEN_RANGE:
        case CKR_FUNCTION_FAILED:
        case CKR_GENERAL_ERROR:
            return true;
        default:
            return false;
    }
}

}  // namespace

CK_OBJECT_HANDLE unwrap_object(const Session& session,
                               CK_OBJECT_HANDLE wrapping_key,
                               const WrappedKey& wrapped,
                               Template attributes) {
    if(!offers(session.calls(), slot_of(session), wrapped.mechanism, CKF_UNWRAP)) {
        throw Error(Errc::unsupported, "the token cannot unwrap this: it was wrapped by a mechanism that it does not offer",
                    "use the token that wrapped it");
    }
    CK_MECHANISM mechanism{wrapped.mechanism, nullptr, 0};
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    auto bytes = wrapped.bytes;  // PKCS#11 lacks the const
    const auto result = [&] {
        const auto turn = session.turn_for(Module::ObjectWork::making);
        return session.calls().C_UnwrapKey(session.handle(), &mechanism, wrapping_key, bytes.data(), bytes.size(),
                                           attributes.data(), attributes.size(), &object);
    }();
    if(result == CKR_OK) {
        return object;
    }
    if(may_be_wrong_bytes(result) && wraps_and_unwraps(session, wrapping_key, wrapped.mechanism)) {
        throw Error(Errc::malformed_data, "the wrapped key cannot be unwrapped: it was wrapped by another key, or is damaged",
                    "find the key that it was wrapped by, or another copy of it")
            .with_return_value(return_value_name(result));
    }
    throw call_failed(result, "unwrap a key in the token");
}

WrappedKey wrap_bytes(const Session& session,
                      CK_OBJECT_HANDLE wrapping_key,
                      std::span<const std::uint8_t> secret,
                      CK_MECHANISM_TYPE by) {
    if(secret.empty()) {
        throw Error(Errc::invalid_argument, "there is nothing to wrap");
    }
    if(by != 0 && !offers(session.calls(), slot_of(session), by, CKF_WRAP)) {
        throw Error(Errc::unsupported, "the token does not offer the mechanism any more by which this was wrapped",
                    "use the token that wrapped it");
    }
    const auto type = by == 0 ? mechanism_for(session, secret.size()) : by;
    const auto object = write_secret(session, secret);
    auto wrapped = wrap(session, wrapping_key, object.handle(), type);
    // SoftHSM 2.6.1 fills up with zeros what is no whole blocks, before it pads: nobody could tell them from the secret's own.
    if(secret.size() % block != 0 && unwrap_bytes(session, wrapping_key, wrapped) != Secret(secret.begin(), secret.end())) {
        throw Error(Errc::unsupported,
                    "the token does not keep a secret of " + std::to_string(secret.size()) + " bytes as it is when it wraps it",
                    "wrap whole blocks of 8 bytes");
    }
    return wrapped;
}

Secret unwrap_bytes(const Session& session, CK_OBJECT_HANDLE wrapping_key, const WrappedKey& wrapped) {
    const SessionObject object(session, unwrap_object(session, wrapping_key, wrapped, known_secret()));
    Secret secret(wrapped.bytes.size());  // wrapping makes longer
    CK_ATTRIBUTE value{CKA_VALUE, secret.data(), secret.size()};
    const auto result = session.calls().C_GetAttributeValue(session.handle(), object.handle(), &value, 1);
    if(result == CKR_ATTRIBUTE_SENSITIVE) {
        throw Error(Errc::unsupported, "the token does not hand out the secret that it unwrapped",
                    "its policy keeps all secret keys inside")
            .with_return_value(return_value_name(result));
    }
    if(result != CKR_OK || value.ulValueLen > secret.size()) {
        throw call_failed(result == CKR_OK ? CKR_GENERAL_ERROR : result, "read the secret that was unwrapped");
    }
    secret.resize(value.ulValueLen);
    return secret;
}

WrappedKey wrap_key(const Session& session, CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism) {
    return wrap(session, wrapping_key, key, mechanism);
}

}  // namespace keyway::pkcs11
