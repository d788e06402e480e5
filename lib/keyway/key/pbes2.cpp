// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/pbes2_internal.hpp>

#include <botan/asn1_obj.h>
#include <botan/ber_dec.h>
#include <botan/cipher_mode.h>
#include <botan/der_enc.h>
#include <botan/pwdhash.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace keyway {

namespace {

using Bytes = Botan::secure_vector<std::uint8_t>;

constexpr std::string_view cipher_name = "AES-256/CBC";
constexpr std::size_t scrypt_n = 16384;
constexpr std::size_t scrypt_r = 8;
constexpr std::size_t salt_size = 16;

// What a file may ask for before it is taken for an attack: about ten seconds, and 1 GiB. OpenSSL writes 2048
// iterations or 16 MiB by default; Botan tunes by time.
constexpr std::size_t most_iterations = 20'000'000;
constexpr std::size_t most_scrypt_memory = 1024UL * 1024UL * 1024UL;
constexpr std::size_t most_scrypt_work = 4 * most_scrypt_memory;

Botan::OID oid(std::string_view name) {
    return Botan::OID::from_string(name);
}

Error unsupported(std::string_view name, const std::string& why) {
    return {Errc::unsupported,
            "the encryption of " + in_quotes(name) + " is not read here: " + why,
            "convert it: openssl pkcs8 -topk8 -scrypt -in OLD -out NEW"};
}

Error too_much_work(std::string_view name) {
    return {Errc::unsupported,
            "opening " + in_quotes(name) + " would take too much work or memory",
            "it may have been made to do harm; if it was not, encrypt it anew with usual parameters"};
}

struct KeyDerivation {
    std::unique_ptr<Botan::PasswordHash> hash;
    Bytes salt;
    std::size_t key_length = 0;  // 0 where not stated
};

KeyDerivation read_scrypt(const Botan::AlgorithmIdentifier& algorithm, std::string_view name) {
    KeyDerivation out;
    std::size_t n = 0;
    std::size_t r = 0;
    std::size_t p = 0;
    Botan::BER_Decoder(algorithm.parameters(), Botan::BER_Decoder::Limits::DER())
        .start_sequence()
        .decode(out.salt, Botan::ASN1_Type::OctetString)
        .decode(n)
        .decode(r)
        .decode(p)
        .decode_optional(out.key_length, Botan::ASN1_Type::Integer, Botan::ASN1_Class::Universal)
        .end_cons()
        .verify_end();
    if(n > most_scrypt_memory || r > most_scrypt_memory || p > most_scrypt_memory ||
       128 * n > most_scrypt_memory / std::max<std::size_t>(r, 1) ||
       128 * n * r > most_scrypt_work / std::max<std::size_t>(p, 1)) {
        throw too_much_work(name);
    }
    out.hash = Botan::PasswordHashFamily::create_or_throw("Scrypt")->from_params(n, r, p);
    return out;
}

KeyDerivation read_pbkdf2(const Botan::AlgorithmIdentifier& algorithm, std::string_view name) {
    using Botan::AlgorithmIdentifier;
    KeyDerivation out;
    std::size_t iterations = 0;
    AlgorithmIdentifier prf;
    Botan::BER_Decoder(algorithm.parameters(), Botan::BER_Decoder::Limits::DER())
        .start_sequence()
        .decode(out.salt, Botan::ASN1_Type::OctetString)
        .decode(iterations)
        .decode_optional(out.key_length, Botan::ASN1_Type::Integer, Botan::ASN1_Class::Universal)
        .decode_optional(prf,
                         Botan::ASN1_Type::Sequence,
                         Botan::ASN1_Class::Constructed,
                         AlgorithmIdentifier("HMAC(SHA-1)", AlgorithmIdentifier::USE_NULL_PARAM))
        .end_cons()
        .verify_end();
    if(iterations == 0) {
        throw Botan::Decoding_Error("no iterations");
    }
    if(iterations > most_iterations) {
        throw too_much_work(name);
    }
    const auto mac = prf.oid().human_name_or_empty();
    const auto family = mac.empty() ? nullptr : Botan::PasswordHashFamily::create("PBKDF2(" + mac + ")");
    if(family == nullptr) {
        throw unsupported(name, "PBKDF2 with the hash " + prf.oid().to_formatted_string());
    }
    out.hash = family->from_params(iterations);
    return out;
}

KeyDerivation read_key_derivation(const Botan::AlgorithmIdentifier& algorithm, std::string_view name) {
    if(algorithm.oid() == oid("Scrypt")) {
        return read_scrypt(algorithm, name);
    }
    if(algorithm.oid() == oid("PKCS5.PBKDF2")) {
        return read_pbkdf2(algorithm, name);
    }
    throw unsupported(name, "key derivation " + algorithm.oid().to_formatted_string());
}

/// The encryption of a file: all that is known before the passphrase.
struct Scheme {
    KeyDerivation derivation;
    std::unique_ptr<Botan::Cipher_Mode> cipher;
    Bytes initial_vector;
    Bytes ciphertext;
};

Scheme read_scheme(std::span<const std::uint8_t> der, std::string_view name) {
    const auto limits = Botan::BER_Decoder::Limits::DER();
    Scheme out;
    Botan::AlgorithmIdentifier scheme;
    Botan::BER_Decoder(der, limits)
        .start_sequence()
        .decode(scheme)
        .decode(out.ciphertext, Botan::ASN1_Type::OctetString)
        .end_cons()
        .verify_end();
    if(scheme.oid() != oid("PBE-PKCS5v20")) {
        throw unsupported(name, "scheme " + scheme.oid().to_formatted_string());
    }
    Botan::AlgorithmIdentifier derivation;
    Botan::AlgorithmIdentifier cipher;
    Botan::BER_Decoder(scheme.parameters(), limits)
        .start_sequence()
        .decode(derivation)
        .decode(cipher)
        .end_cons()
        .verify_end();

    const auto algorithm = cipher.oid().human_name_or_empty();
    if(algorithm.ends_with("/CBC")) {
        out.cipher = Botan::Cipher_Mode::create(algorithm, Botan::Cipher_Dir::Decryption);
    }
    if(out.cipher == nullptr) {
        throw unsupported(name, "cipher " + cipher.oid().to_formatted_string());
    }
    Botan::BER_Decoder(cipher.parameters(), limits)
        .decode(out.initial_vector, Botan::ASN1_Type::OctetString)
        .verify_end();
    out.derivation = read_key_derivation(derivation, name);
    if(out.derivation.key_length == 0) {
        out.derivation.key_length = out.cipher->key_spec().maximum_keylength();
    }
    const auto block_size = out.cipher->update_granularity();
    if(!out.cipher->key_spec().valid_keylength(out.derivation.key_length) ||
       out.initial_vector.size() != out.cipher->default_nonce_length() || out.ciphertext.empty() ||
       out.ciphertext.size() % block_size != 0) {
        throw Botan::Decoding_Error("lengths do not fit");
    }
    return out;
}

}  // namespace

std::vector<std::uint8_t> encrypt_pkcs8(std::span<const std::uint8_t> private_key_info,
                                        const Secret& passphrase,
                                        std::size_t scrypt_parallelization) {
    auto& rng = Botan::system_rng();
    const auto cipher = Botan::Cipher_Mode::create_or_throw(cipher_name, Botan::Cipher_Dir::Encryption);
    const auto salt = rng.random_vec(salt_size);
    const auto initial_vector = rng.random_vec(cipher->default_nonce_length());

    Bytes key(cipher->key_spec().maximum_keylength());
    Botan::PasswordHashFamily::create_or_throw("Scrypt")
        ->from_params(scrypt_n, scrypt_r, scrypt_parallelization)
        ->hash(key, passphrase.reveal(), salt);
    cipher->set_key(key);
    cipher->start(initial_vector);
    Bytes ciphertext(private_key_info.begin(), private_key_info.end());
    cipher->finish(ciphertext);

    std::vector<std::uint8_t> scrypt_parameters;
    Botan::DER_Encoder(scrypt_parameters)
        .start_sequence()
        .encode(salt, Botan::ASN1_Type::OctetString)
        .encode(scrypt_n)
        .encode(scrypt_r)
        .encode(scrypt_parallelization)
        .end_cons();
    std::vector<std::uint8_t> cipher_parameters;
    Botan::DER_Encoder(cipher_parameters).encode(initial_vector, Botan::ASN1_Type::OctetString);
    std::vector<std::uint8_t> scheme_parameters;
    Botan::DER_Encoder(scheme_parameters)
        .start_sequence()
        .encode(Botan::AlgorithmIdentifier(oid("Scrypt"), scrypt_parameters))
        .encode(Botan::AlgorithmIdentifier(oid(cipher_name), cipher_parameters))
        .end_cons();
    std::vector<std::uint8_t> out;
    Botan::DER_Encoder(out)
        .start_sequence()
        .encode(Botan::AlgorithmIdentifier(oid("PBE-PKCS5v20"), scheme_parameters))
        .encode(ciphertext, Botan::ASN1_Type::OctetString)
        .end_cons();
    return out;
}

Bytes decrypt_pkcs8(std::span<const std::uint8_t> encrypted_private_key_info,
                    const Secret& passphrase,
                    std::string_view name) {
    auto scheme = [&] {
        try {
            auto read = read_scheme(encrypted_private_key_info, name);
            Bytes key(read.derivation.key_length);
            read.derivation.hash->hash(key, passphrase.reveal(), read.derivation.salt);
            read.cipher->set_key(key);
            read.cipher->start(read.initial_vector);
            return read;
        } catch(const Error&) {
            throw;
        } catch(const Botan::Exception&) {
            std::throw_with_nested(Error(
                Errc::malformed_data, "the description of the encryption in " + in_quotes(name) + " is damaged",
                "get an undamaged copy of it"));
        } catch(const std::bad_alloc&) {
            throw Error(Errc::unsupported,
                        "there is not enough memory to open " + in_quotes(name),
                        "give the process more memory, or encrypt it anew with usual parameters");
        }
    }();
    try {
        scheme.cipher->finish(scheme.ciphertext);
    } catch(const Botan::Exception&) {
        throw wrong_passphrase(name);
    }
    return std::move(scheme.ciphertext);
}

Error wrong_passphrase(std::string_view name) {
    return {Errc::passphrase_incorrect,
            "the passphrase does not open " + in_quotes(name) + " (or the file is damaged)",
            "give the passphrase it was encrypted with"};
}

}  // namespace keyway
