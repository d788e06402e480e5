// SPDX-License-Identifier: BSD-2-Clause
#include "keys.hpp"
#include "known_keys.hpp"
#include "measure.hpp"

#include <array>

namespace probe {

namespace {

/// As PKCS#11 has it since 2.40 with its errata; older headers lack the bits of the IV.
struct GcmParameters {
    CK_BYTE* iv;
    CK_ULONG iv_size;
    CK_ULONG iv_bits;
    CK_BYTE* additional;
    CK_ULONG additional_size;
    CK_ULONG tag_bits;
};

// NIST SP 800-38A, F.2.1 and F.5.1: one block each.
constexpr const char* nist_key = "2b7e151628aed2a6abf7158809cf4f3c";
constexpr const char* nist_plain = "6bc1bee22e409f96e93d7e117393172a";
constexpr const char* nist_cbc_iv = "000102030405060708090a0b0c0d0e0f";
constexpr const char* nist_cbc_cipher = "7649abac8119b246cee98e9b12e9197d";
constexpr const char* nist_ctr_block = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
constexpr const char* nist_ctr_cipher = "874d6191b620e3261bef6864990db6ce";

/// An AES key to encrypt with: NIST's where the token takes it, else one of the token's own.
struct CipherKey {
    CK_OBJECT_HANDLE handle;
    bool is_known;
};
[[nodiscard]] CipherKey cipher_key(Session& session) {
    const std::vector<CK_ATTRIBUTE_TYPE> uses = {CKA_ENCRYPT, CKA_DECRYPT};
    try {
        return {make_aes_key(session, uses, from_hex(nist_key)), true};
    } catch (const RefusedBy&) {
        return {make_aes_key(session, uses), false};
    }
}

/// @param make gives the mechanism for a parameter that it keeps
void encrypt_and_decrypt(Session& session, const std::function<Mechanism()>& make, const char* expected) {
    const CipherKey key = cipher_key(session);
    const Bytes plain = from_hex(nist_plain);
    const Bytes encrypted = session.encrypt(make(), key.handle, plain);
    require(encrypted != plain, "the ciphertext is the plaintext");
    require(!key.is_known || expected == nullptr || encrypted == from_hex(expected),
            "the ciphertext is not that of NIST SP 800-38A");
    require(session.decrypt(make(), key.handle, encrypted) == plain, "something else came out");
}

/// Whether an AES key is of any use.
void encrypts(Session& session, CK_OBJECT_HANDLE key) {
    Bytes iv = from_hex(nist_cbc_iv);
    static_cast<void>(session.encrypt({CKM_AES_CBC, iv}, key, from_hex(nist_plain)));
}

void aes_cbc(Session& session) {
    Bytes iv = from_hex(nist_cbc_iv);
    encrypt_and_decrypt(session, [&] { return Mechanism(CKM_AES_CBC, iv); }, nist_cbc_cipher);
}

void aes_ctr_with(Session& session, CK_ULONG counter_bits) {
    CK_AES_CTR_PARAMS parameters{};
    const Bytes block = from_hex(nist_ctr_block);
    std::copy(block.begin(), block.end(), std::begin(parameters.cb));
    parameters.ulCounterBits = counter_bits;
    encrypt_and_decrypt(session, [&] { return Mechanism(CKM_AES_CTR, parameters); }, nist_ctr_cipher);
}

/// The standard allows any counter of up to 128 bits; most programs use all, or 32.
void aes_ctr(Session& session) {
    try {
        aes_ctr_with(session, 128);
    } catch (const RefusedBy&) {
        Session fresh(session.module());
        aes_ctr_with(fresh, 32);
    }
}

void aes_gcm(Session& session) {
    Bytes iv(12, 7);
    Bytes additional = from_text("header");
    GcmParameters parameters{iv.data(), iv.size(), iv.size() * 8, additional.data(), additional.size(), 128};
    encrypt_and_decrypt(session, [&] { return Mechanism(CKM_AES_GCM, parameters); }, nullptr);
}

void hmac(Session& session) {
    const auto key = session.create(Template()
                                        .number(CKA_CLASS, CKO_SECRET_KEY)
                                        .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
                                        .flag(CKA_TOKEN, false)
                                        .flag(CKA_SIGN, true)
                                        .flag(CKA_VERIFY, true)
                                        .bytes(CKA_VALUE, Bytes(32, 0x0b)));
    // Computed by OpenSSL 3.0. (The keys of RFC 4231 are too short for some modules.)
    require(session.sign(CKM_SHA256_HMAC, key, from_text("Hi There")) ==
                from_hex("198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7"),
            "the value is wrong");
}

void digest(Session& session) {
    Mechanism mechanism(CKM_SHA256);
    check("C_DigestInit", session.p11().C_DigestInit(session.handle(), mechanism.get()));
    Bytes message = openssl::message();
    Bytes output(32);
    CK_ULONG size = output.size();
    check("C_Digest",
          session.p11().C_Digest(session.handle(), message.data(), message.size(), output.data(), &size));
    require(output == openssl::message_digest(), "the digest is wrong");
}

void random_bytes(Session& session) {
    std::array<Bytes, 2> drawn = {Bytes(32), Bytes(32)};
    for (Bytes& bytes : drawn) {
        check("C_GenerateRandom", session.p11().C_GenerateRandom(session.handle(), bytes.data(), bytes.size()));
    }
    require(drawn[0] != drawn[1], "the same bytes came twice");
}

[[nodiscard]] Template unwrapped_aes_key() {
    return Template()
        .number(CKA_CLASS, CKO_SECRET_KEY)
        .number(CKA_KEY_TYPE, CKK_AES)
        .flag(CKA_TOKEN, false)
        .flag(CKA_ENCRYPT, true);
}

/// Two AES keys are the same when they encrypt the same.
void require_same_key(Session& session, CK_OBJECT_HANDLE one, CK_OBJECT_HANDLE other) {
    Bytes iv = from_hex(nist_cbc_iv);
    const Bytes plain = from_hex(nist_plain);
    require(session.encrypt({CKM_AES_CBC, iv}, one, plain) == session.encrypt({CKM_AES_CBC, iv}, other, plain),
            "another key came out");
}

void wrap_secret_key(Session& session) {
    // RFC 3394, 4.1
    const auto by = make_aes_key(session, {CKA_WRAP, CKA_UNWRAP}, from_hex("000102030405060708090a0b0c0d0e0f"));
    const auto key =
        make_aes_key(session, {CKA_ENCRYPT}, from_hex("00112233445566778899aabbccddeeff"), true);
    const Bytes wrapped = session.wrap(CKM_AES_KEY_WRAP, by, key);
    require(wrapped == from_hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
            "the wrapped key is not that of RFC 3394");
    require_same_key(session, key, session.unwrap(CKM_AES_KEY_WRAP, by, wrapped, unwrapped_aes_key()));
}

/// Wraps a private key, unwraps it as another and signs with that.
void wrap_private_key(Session& session, const std::function<Mechanism()>& make, CK_OBJECT_HANDLE wrapping,
                      CK_OBJECT_HANDLE unwrapping) {
    const KeyPair pair = generate_pair(session, "RSA", {.extractable = true});
    const Bytes wrapped = session.wrap(make(), wrapping, pair.private_key);
    const auto back = session.unwrap(make(), unwrapping, wrapped,
                                     Template()
                                         .number(CKA_CLASS, CKO_PRIVATE_KEY)
                                         .number(CKA_KEY_TYPE, CKK_RSA)
                                         .flag(CKA_TOKEN, true)
                                         .flag(CKA_PRIVATE, true)
                                         .flag(CKA_SENSITIVE, true)
                                         .flag(CKA_SIGN, true)
                                         .text(CKA_LABEL, "unwrapped")
                                         .text(CKA_ID, "unwrapped"));
    require_signs(session, "RSA", back, public_key_info(session, "RSA", pair.public_key));
}

[[nodiscard]] Measurement wraps_private_key(CK_MECHANISM_TYPE mechanism, Bytes parameter = {}) {
    return in_session([mechanism, parameter = std::move(parameter)](Session& session) {
        const auto by = make_aes_key(session, {CKA_WRAP, CKA_UNWRAP});
        Bytes copy = parameter;
        wrap_private_key(
            session, [&] { return copy.empty() ? Mechanism(mechanism) : Mechanism(mechanism, copy); }, by, by);
    });
}

struct RsaAesKeyWrapParameters {
    CK_ULONG aes_bits;
    CK_RSA_PKCS_OAEP_PARAMS* oaep;
};

void wrap_private_key_by_rsa_and_aes(Session& session) {
    const KeyPair by = generate_pair(session, "RSA", {.use = CKA_UNWRAP, .label = "wrapping"});
    CK_RSA_PKCS_OAEP_PARAMS oaep{CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, nullptr, 0};
    RsaAesKeyWrapParameters parameters{256, &oaep};
    wrap_private_key(
        session, [&] { return Mechanism(CKM_RSA_AES_KEY_WRAP, parameters); }, by.public_key, by.private_key);
}

void wrap_secret_key_by_rsa(Session& session, const std::function<Mechanism()>& make) {
    const KeyPair by = generate_pair(session, "RSA", {.use = CKA_UNWRAP, .label = "wrapping"});
    const auto key = make_aes_key(session, {CKA_ENCRYPT}, {}, true);
    const Bytes wrapped = session.wrap(make(), by.public_key, key);
    require_same_key(session, key, session.unwrap(make(), by.private_key, wrapped, unwrapped_aes_key()));
}

} // namespace

void add_cipher_measurements(Measurements& all) {
    all["random"] = in_session(random_bytes);
    all["digest"] = in_session(digest);
    all["generate-aes"] = in_session([](Session& session) {
        encrypts(session, make_aes_key(session, {CKA_ENCRYPT, CKA_DECRYPT}));
    });
    all["import-aes"] = in_session([](Session& session) {
        encrypts(session, make_aes_key(session, {CKA_ENCRYPT, CKA_DECRYPT}, from_hex(nist_key)));
    });
    all["aes-cbc"] = in_session(aes_cbc);
    all["aes-ctr"] = in_session(aes_ctr);
    all["aes-gcm"] = in_session(aes_gcm);
    all["hmac"] = in_session(hmac);

    all["wrap-aes-key-wrap"] = in_session(wrap_secret_key);
    all["wrap-aes-key-wrap-pad"] = wraps_private_key(CKM_AES_KEY_WRAP_PAD);
    all["wrap-aes-key-wrap-kwp"] = wraps_private_key(ckm_aes_key_wrap_kwp);
    all["wrap-aes-cbc-pad"] = wraps_private_key(CKM_AES_CBC_PAD, Bytes(16, 9));
    all["wrap-rsa"] = in_session([](Session& session) {
        wrap_secret_key_by_rsa(session, [] { return Mechanism(CKM_RSA_PKCS); });
    });
    all["wrap-rsa-oaep"] = in_session([](Session& session) {
        CK_RSA_PKCS_OAEP_PARAMS oaep{CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, nullptr, 0};
        wrap_secret_key_by_rsa(session, [&] { return Mechanism(CKM_RSA_PKCS_OAEP, oaep); });
    });
    all["wrap-rsa-aes"] = in_session(wrap_private_key_by_rsa_and_aes);
}

} // namespace probe
