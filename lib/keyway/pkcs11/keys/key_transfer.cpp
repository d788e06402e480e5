// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/key_transfer_internal.hpp>
#include <keyway/pkcs11/keys/key_wrapping_internal.hpp>
#include <keyway/pkcs11/keys/offered_mechanism_internal.hpp>
#include <keyway/pkcs11/keys/public_key_internal.hpp>
#include <keyway/pkcs11/keys/session_object_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/pubkey.h>
#include <botan/rsa.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace keyway::pkcs11 {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr CK_ULONG transport_bits = 3072;
constexpr CK_ULONG secret_bytes = 32;

/// SoftHSM has OAEP with SHA-1 only, which is no worse for that: OAEP wants no collision resistance.
struct OaepHash {
    std::string_view name;
    CK_MECHANISM_TYPE mechanism;
    CK_RSA_PKCS_MGF_TYPE mgf;
};
constexpr std::array<OaepHash, 2> hashes{{{"SHA-256", CKM_SHA256, CKG_MGF1_SHA256}, {"SHA-1", CKM_SHA_1, CKG_MGF1_SHA1}}};

struct Format {
    WrapFormat format;
    CK_MECHANISM_TYPE mechanism;
};
constexpr std::array<Format, 2> formats{{{WrapFormat::kwp, CKM_AES_KEY_WRAP_KWP}, {WrapFormat::wrap_pad, CKM_AES_KEY_WRAP_PAD}}};

std::optional<Error> lacks(std::string_view token_name, std::string_view does, std::string_view mechanism) {
    return Error(Errc::unsupported,
                 std::string(token_name) + " cannot " + std::string(does) + ": it lacks " + std::string(mechanism),
                 "use the tools of the tokens' maker, if both are of the same one");
}

/// CKM_RSA_PKCS_OAEP with a hash, and its parameters.
class Oaep {
public:
    explicit Oaep(const OaepHash& hash) : parameters_{hash.mechanism, hash.mgf, CKZ_DATA_SPECIFIED, nullptr, 0} {}
    Oaep(const Oaep&) = delete;
    Oaep& operator=(const Oaep&) = delete;
    ~Oaep() = default;

    [[nodiscard]] CK_MECHANISM* mechanism() noexcept { return &mechanism_; }

private:
    CK_RSA_PKCS_OAEP_PARAMS parameters_;
    CK_MECHANISM mechanism_{CKM_RSA_PKCS_OAEP, &parameters_, sizeof(parameters_)};
};

/// What tokens say to a hash that they do not take with OAEP.
bool refuses_hash(CK_RV result) {
    return result == CKR_MECHANISM_PARAM_INVALID || result == CKR_ARGUMENTS_BAD || result == CKR_MECHANISM_INVALID;
}

/// The AES key of the moment: it opens one private key, and does nothing else.
Template secret_attributes() {
    Template out;
    out.add_number(CKA_CLASS, CKO_SECRET_KEY).add_number(CKA_KEY_TYPE, CKK_AES);
    out.add_no(CKA_TOKEN).add_yes(CKA_PRIVATE).add_yes(CKA_SENSITIVE).add_yes(CKA_WRAP).add_yes(CKA_UNWRAP);
    out.add_no(CKA_ENCRYPT).add_no(CKA_DECRYPT).add_no(CKA_SIGN).add_no(CKA_VERIFY).add_no(CKA_DERIVE);
    return out;
}

SessionObject make_secret(const Session& session, std::string_view token_name) {
    auto attributes = secret_attributes();
    attributes.add_yes(CKA_EXTRACTABLE).add_number(CKA_VALUE_LEN, secret_bytes);
    CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    const auto result = session.calls().C_GenerateKey(session.handle(), &mechanism, attributes.data(), attributes.size(), &object);
    if(result != CKR_OK) {
        throw call_failed(result, "make an AES key for a moment in " + std::string(token_name));
    }
    return {session, object};
}

SessionObject write_transport_key(const Session& session, const Botan::RSA_PublicKey& key, std::string_view token_name) {
    Template attributes;
    attributes.add_number(CKA_CLASS, CKO_PUBLIC_KEY).add_number(CKA_KEY_TYPE, CKK_RSA).add_no(CKA_TOKEN).add_no(CKA_PRIVATE);
    attributes.add(CKA_MODULUS, key.get_n().serialize()).add(CKA_PUBLIC_EXPONENT, key.get_e().serialize());
    attributes.add_yes(CKA_WRAP).add_no(CKA_ENCRYPT).add_no(CKA_VERIFY);
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    const auto result = session.calls().C_CreateObject(session.handle(), attributes.data(), attributes.size(), &object);
    if(result != CKR_OK) {
        throw call_failed(result, "write the other side's RSA key for a moment into " + std::string(token_name));
    }
    return {session, object};
}

CK_RV wrap_secret(const Session& session, CK_OBJECT_HANDLE transport, CK_OBJECT_HANDLE secret, const OaepHash& hash, Bytes& out) {
    Oaep oaep(hash);
    out.resize(transport_bits);  // in bytes, so that any RSA key's answer fits
    CK_ULONG size = out.size();
    const auto result = session.calls().C_WrapKey(session.handle(), oaep.mechanism(), transport, secret, out.data(), &size);
    if(result == CKR_OK && size > out.size()) {
        throw call_failed(CKR_GENERAL_ERROR, "believe how long the wrapped AES key is to be");
    }
    out.resize(result == CKR_OK ? size : 0);
    return result;
}

struct TransportPair {
    SessionObject private_object;
    SessionObject public_object;
};

TransportPair make_transport_pair(const Session& session, std::string_view token_name) {
    constexpr std::array<std::uint8_t, 3> exponent{1, 0, 1};
    Template of_public;
    of_public.add_number(CKA_MODULUS_BITS, transport_bits).add(CKA_PUBLIC_EXPONENT, exponent);
    of_public.add_no(CKA_TOKEN).add_no(CKA_PRIVATE).add_no(CKA_ENCRYPT).add_no(CKA_VERIFY).add_yes(CKA_WRAP);
    Template of_private;
    of_private.add_no(CKA_TOKEN).add_yes(CKA_PRIVATE).add_yes(CKA_SENSITIVE).add_no(CKA_EXTRACTABLE).add_yes(CKA_UNWRAP);
    // A key that unwraps must not decrypt: the AES key could be had in clear by it.
    of_private.add_no(CKA_DECRYPT).add_no(CKA_SIGN);
    CK_MECHANISM mechanism{CKM_RSA_PKCS_KEY_PAIR_GEN, nullptr, 0};
    CK_OBJECT_HANDLE public_object = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE private_object = CK_INVALID_HANDLE;
    const auto result =
        session.calls().C_GenerateKeyPair(session.handle(), &mechanism, of_public.data(), of_public.size(), of_private.data(),
                                          of_private.size(), &public_object, &private_object);
    if(result != CKR_OK) {
        throw call_failed(result, "make an RSA key for a moment in " + std::string(token_name));
    }
    return {{session, private_object}, {session, public_object}};
}

CK_RV unwrap_secret(const Session& session, CK_OBJECT_HANDLE transport, const OaepHash& hash, Bytes wrapped, CK_OBJECT_HANDLE& out) {
    Oaep oaep(hash);
    auto attributes = secret_attributes();
    attributes.add_no(CKA_EXTRACTABLE);
    return session.calls().C_UnwrapKey(session.handle(), oaep.mechanism(), transport, wrapped.data(), wrapped.size(),
                                       attributes.data(), attributes.size(), &out);
}

/// The hashes with which the token really unwraps: no mechanism's information tells them.
std::vector<std::string> taken_hashes(const Session& session, const Botan::Public_Key& key, CK_OBJECT_HANDLE transport) {
    std::vector<std::string> out;
    CK_RV last = CKR_OK;
    for(const auto& hash : hashes) {
        auto& rng = Botan::system_rng();
        const Botan::PK_Encryptor_EME encryptor(key, rng, "OAEP(" + std::string(hash.name) + ")");
        CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
        last = unwrap_secret(session, transport, hash, encryptor.encrypt(rng.random_vec(secret_bytes), rng), object);
        if(last == CKR_OK) {
            const SessionObject unwrapped(session, object);
            out.emplace_back(hash.name);
        } else if(!refuses_hash(last)) {
            throw call_failed(last, "unwrap an AES key by RSA-OAEP in the token");
        }
    }
    if(out.empty()) {
        throw call_failed(last, "unwrap an AES key by RSA-OAEP in the token");
    }
    return out;
}

std::optional<Error> why_it_sends_no_keys(FunctionList& calls, CK_SLOT_ID slot, std::string_view token_name) {
    constexpr std::string_view does = "encrypt a key on its way out";
    if(!offers(calls, slot, CKM_AES_KEY_GEN, CKF_GENERATE)) {
        return lacks(token_name, does, "CKM_AES_KEY_GEN");
    }
    if(!offers(calls, slot, CKM_RSA_PKCS_OAEP, CKF_WRAP)) {
        return lacks(token_name, does, "CKM_RSA_PKCS_OAEP for wrapping");
    }
    if(std::ranges::none_of(formats, [&](const Format& one) { return offers(calls, slot, one.mechanism, CKF_WRAP); })) {
        return lacks(token_name, does, "CKM_AES_KEY_WRAP_KWP and CKM_AES_KEY_WRAP_PAD");
    }
    return std::nullopt;
}

std::optional<Error> why_it_stays(const Session& session, CK_OBJECT_HANDLE key, std::string_view token_name) {
    if(read_flag(session, key, CKA_EXTRACTABLE) == false) {
        return Error(Errc::unsupported, std::string(token_name) + " keeps the key for good (CKA_EXTRACTABLE is false)",
                     "sign with it where it is");
    }
    if(read_flag(session, key, CKA_WRAP_WITH_TRUSTED) == true) {
        return Error(Errc::unsupported,
                     std::string(token_name) +
                         " encrypts the key only under keys that its security officer trusts (CKA_WRAP_WITH_TRUSTED is true)",
                     "move it by the tools of the token's maker");
    }
    return std::nullopt;
}

/// What keeps the key in its token for good, and then what the token lacks.
std::optional<Error> why_it_stays_or_is_not_encrypted(const Session& session, CK_OBJECT_HANDLE key, std::string_view token_name) {
    auto why = why_it_stays(session, key, token_name);
    return why ? why : why_it_sends_no_keys(session.calls(), slot_of(session), token_name);
}

/// It is extractable: some tokens wrap some kinds of keys only. SoftHSM knows no form of Ed25519 keys.
Error wraps_none_of_its_kind(std::string_view token_name) {
    return Error(Errc::unsupported, std::string(token_name) + " wraps no key of this kind: " + return_value_name(CKR_KEY_NOT_WRAPPABLE),
                 "sign with it where it is")
        .with_return_value(return_value_name(CKR_KEY_NOT_WRAPPABLE));
}

std::optional<Error> why_it_is_not_wrapped(const Session& session, CK_OBJECT_HANDLE key, std::string_view token_name) {
    auto& calls = session.calls();
    const auto slot = slot_of(session);
    const auto* const format =
        std::ranges::find_if(formats, [&](const Format& one) { return offers(calls, slot, one.mechanism, CKF_WRAP); });
    if(format == formats.end()) {
        return std::nullopt;
    }
    const auto secret = make_secret(session, token_name);
    CK_MECHANISM mechanism{format->mechanism, nullptr, 0};
    CK_ULONG size = 0;
    // How long it would be: nothing is given out. What else is said, the wrapping itself will say.
    return calls.C_WrapKey(session.handle(), &mechanism, secret.handle(), key, nullptr, &size) == CKR_KEY_NOT_WRAPPABLE
               ? std::optional(wraps_none_of_its_kind(token_name))
               : std::nullopt;
}

}  // namespace

std::optional<Error> why_it_is_not_sent(const Session& session, CK_OBJECT_HANDLE key, std::string_view token_name) {
    auto why = why_it_stays_or_is_not_encrypted(session, key, token_name);
    return why ? why : why_it_is_not_wrapped(session, key, token_name);
}

std::optional<Error> why_it_receives_no_keys(FunctionList& calls, CK_SLOT_ID slot, std::string_view token_name) {
    constexpr std::string_view does = "take in a key that was encrypted by another token";
    if(!offers(calls, slot, CKM_RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR)) {
        return lacks(token_name, does, "CKM_RSA_PKCS_KEY_PAIR_GEN");
    }
    if(!offers(calls, slot, CKM_RSA_PKCS_OAEP, CKF_UNWRAP)) {
        return lacks(token_name, does, "CKM_RSA_PKCS_OAEP for unwrapping");
    }
    if(std::ranges::none_of(formats, [&](const Format& one) { return offers(calls, slot, one.mechanism, CKF_UNWRAP); })) {
        return lacks(token_name, does, "CKM_AES_KEY_WRAP_KWP and CKM_AES_KEY_WRAP_PAD");
    }
    return std::nullopt;
}

TransportedKey send_key(const Session& session, CK_OBJECT_HANDLE key, const TransportKey& under, std::string_view token_name) {
    auto& calls = session.calls();
    const auto slot = slot_of(session);
    if(auto why = why_it_stays_or_is_not_encrypted(session, key, token_name)) {
        throw Error(*why);
    }
    const auto* const rsa = dynamic_cast<const Botan::RSA_PublicKey*>(under.public_key.get());
    if(rsa == nullptr || rsa->key_length() < transport_bits) {
        throw Error(Errc::invalid_argument, "the key to encrypt for is no RSA key of " + std::to_string(transport_bits) + " bits");
    }
    const auto* const format = std::ranges::find_if(formats, [&](const Format& one) {
        return std::ranges::find(under.formats, one.format) != under.formats.end() && offers(calls, slot, one.mechanism, CKF_WRAP);
    });
    if(format == formats.end()) {
        throw Error(Errc::unsupported, std::string(token_name) + " and the other token have no way to wrap a key in common",
                    "one has CKM_AES_KEY_WRAP_KWP, the other CKM_AES_KEY_WRAP_PAD");
    }
    const auto transport = write_transport_key(session, *rsa, token_name);
    const auto secret = make_secret(session, token_name);
    TransportedKey out;
    CK_RV result = CKR_MECHANISM_PARAM_INVALID;
    for(const auto& hash : hashes) {
        if(std::ranges::find(under.hashes, hash.name) == under.hashes.end()) {
            continue;
        }
        result = wrap_secret(session, transport.handle(), secret.handle(), hash, out.secret);
        if(result == CKR_OK) {
            out.hash = hash.name;
            break;
        }
        if(!refuses_hash(result)) {
            break;
        }
    }
    if(result != CKR_OK) {
        throw call_failed(result, "encrypt an AES key by RSA-OAEP in " + std::string(token_name));
    }
    out.format = format->format;
    try {
        out.private_key = wrap_key(session, secret.handle(), key, format->mechanism).bytes;
    } catch(const Error& error) {
        if(error.return_value() == return_value_name(CKR_KEY_NOT_WRAPPABLE)) {
            throw wraps_none_of_its_kind(token_name);
        }
        throw;
    }
    return out;
}

FoundKey receive_key(const Session& session,
                     const Botan::Public_Key& public_half,
                     const NewKey& key,
                     const std::function<TransportedKey(const TransportKey&)>& send,
                     std::string_view token_name,
                     NewObjects& made) {
    auto& calls = session.calls();
    const auto slot = slot_of(session);
    if(auto why = why_it_receives_no_keys(calls, slot, token_name)) {
        throw Error(*why);
    }
    const auto pair = make_transport_pair(session, token_name);
    TransportKey transport{.public_key = read_public_key(session, pair.public_object.handle()), .hashes = {}, .formats = {}};
    if(!transport.public_key) {
        throw Error(Errc::token_failed, std::string(token_name) + " does not show the RSA key that it made");
    }
    transport.hashes = taken_hashes(session, *transport.public_key, pair.private_object.handle());
    for(const auto& one : formats) {
        if(offers(calls, slot, one.mechanism, CKF_UNWRAP)) {
            transport.formats.push_back(one.format);
        }
    }

    const auto came = send(transport);
    const auto* const hash = std::ranges::find(hashes, std::string_view(came.hash), &OaepHash::name);
    const auto* const format = std::ranges::find(formats, came.format, &Format::format);
    if(hash == hashes.end() || format == formats.end()) {
        throw Error(Errc::malformed_data, "the key was encrypted by a hash or a format that was not asked for");
    }
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    if(const auto result = unwrap_secret(session, pair.private_object.handle(), *hash, came.secret, object); result != CKR_OK) {
        throw call_failed(result, "unwrap the AES key that the private key comes under in " + std::string(token_name));
    }
    const SessionObject secret(session, object);
    try {
        return unwrap_key(session, secret.handle(), {.mechanism = format->mechanism, .bytes = came.private_key}, public_half, key, made);
    } catch(const Error& error) {
        if(error.code() != Errc::malformed_data || came.format != WrapFormat::wrap_pad) {
            throw;
        }
        // Of damage on the way nobody knows here; tokens of two makers are the likelier cause.
        throw Error(Errc::malformed_data,
                    std::string(token_name) + " cannot unwrap what the other token wrapped by CKM_AES_KEY_WRAP_PAD",
                    "tokens of different makers often mean different formats by that; CKM_AES_KEY_WRAP_KWP would be the same with all")
            .with_return_value(error.return_value());
    }
}

}  // namespace keyway::pkcs11
