// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/pbes2_internal.hpp>
#include <keyway/key/pem_internal.hpp>
#include <keyway/key/pkcs12_internal.hpp>
#include <keyway/key/private_key_file.hpp>
#include <keyway/key/traditional_pem_internal.hpp>

#include <botan/asn1_obj.h>
#include <botan/ber_dec.h>
#include <botan/der_enc.h>
#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/pk_algs.h>
#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/rsa.h>
#include <botan/system_rng.h>
#include <botan/x509_key.h>

#include <algorithm>
#include <array>
#include <utility>

namespace keyway {

namespace {

using Bytes = Botan::secure_vector<std::uint8_t>;

constexpr std::array read_labels{"PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"};

enum class Form { pkcs8, pkcs8_encrypted, pkcs1_rsa, sec1_ec };

Error malformed(std::string_view name, const std::string& why) {
    return {Errc::malformed_data, in_quotes(name) + " is no undamaged private key: " + why,
            "give a private key in PKCS#8, PEM or DER"};
}

/// Private keys are told apart by how they begin: a version and the algorithm, the description of an encryption, a
/// version and the modulus, a version and the secret number.
Form form_of(std::span<const std::uint8_t> der, std::string_view name) {
    using Botan::ASN1_Class;
    using Botan::ASN1_Type;
    try {
        Botan::BER_Decoder file(der, Botan::BER_Decoder::Limits::DER());
        auto content = file.start_sequence();
        const auto first = content.get_next_object();
        const auto second = content.get_next_object();
        content.discard_remaining().end_cons().verify_end();
        if(first.is_a(ASN1_Type::Sequence, ASN1_Class::Constructed) &&
           second.is_a(ASN1_Type::OctetString, ASN1_Class::Universal)) {
            return Form::pkcs8_encrypted;
        }
        if(first.is_a(ASN1_Type::Integer, ASN1_Class::Universal)) {
            if(second.is_a(ASN1_Type::Sequence, ASN1_Class::Constructed)) {
                return Form::pkcs8;
            }
            if(second.is_a(ASN1_Type::Integer, ASN1_Class::Universal)) {
                return Form::pkcs1_rsa;
            }
            if(second.is_a(ASN1_Type::OctetString, ASN1_Class::Universal)) {
                return Form::sec1_ec;
            }
        }
    } catch(const Botan::Exception&) {
        std::throw_with_nested(malformed(name, "it is neither PEM nor whole DER"));
    }
    throw malformed(name, "it holds something else");
}

/// Whether a key of this kind (Botan's name) is one that Keyway knows, so that it is damaged where it cannot be read.
bool is_read(std::string_view kind) {
    for(const std::string_view known : {"RSA", "ECDSA", "Ed25519", "Ed448", "X25519", "X448", "DSA"}) {
        if(kind == known) {
            return true;
        }
    }
    return kind.starts_with("ML-DSA-") || kind.starts_with("SLH-DSA-");
}

Error unsupported_kind(std::string_view name, const std::string& kind) {
    return {Errc::unsupported,
            "the private key in " + in_quotes(name) + " is of a kind that is not read (" + kind + ")",
            "give an RSA, EC, Ed25519, Ed448, X25519, X448, DSA, ML-DSA or SLH-DSA key"};
}

/// A curve given by its numbers may be a weak one that looks like a good one.
void require_named_curve(std::span<const std::uint8_t> parameters, std::string_view name) {
    constexpr std::uint8_t object_identifier = 0x06;
    if(parameters.empty() || parameters.front() != object_identifier) {
        throw Error(Errc::unsupported,
                    "the EC key in " + in_quotes(name) + " does not state its curve by name",
                    "convert it: openssl ec -param_enc named_curve -in OLD -out NEW");
    }
}

/// An ECPrivateKey whose secret number has as many bytes as it should have. GnuTLS writes it as a signed number: with a zero in
/// front of every second one, and a byte less now and then.
/// @spec RFC 5915 3
Bytes with_whole_secret(std::span<const std::uint8_t> ec_private_key, std::span<const std::uint8_t> curve) {
    Botan::OID oid;
    Botan::BER_Decoder(curve, Botan::BER_Decoder::Limits::DER()).decode(oid);
    const auto size = Botan::EC_Group::from_OID(oid).get_order_bytes();
    std::size_t version = 0;
    Bytes secret;
    Bytes out;
    Botan::DER_Encoder encoder(out);
    Botan::BER_Decoder whole(ec_private_key, Botan::BER_Decoder::Limits::DER());
    auto key = whole.start_sequence();
    key.decode(version).decode(secret, Botan::ASN1_Type::OctetString);
    const auto surplus = secret.size() - std::min(secret.size(), size);
    const auto end_of_zeros = std::find_if(secret.begin(), secret.end(), [](std::uint8_t byte) { return byte != 0; });
    const auto zeros = static_cast<std::size_t>(end_of_zeros - secret.begin());
    secret.erase(secret.begin(), secret.begin() + static_cast<std::ptrdiff_t>(std::min(surplus, zeros)));
    if(secret.size() < size) {
        secret.insert(secret.begin(), size - secret.size(), 0);
    }
    encoder.start_sequence().encode(version).encode(secret, Botan::ASN1_Type::OctetString);
    while(key.more_items()) {
        const auto object = key.get_next_object();
        encoder.add_object(object.type(), object.get_class(), object.data());
    }
    key.end_cons();
    whole.verify_end();
    encoder.end_cons();
    return out;
}

std::unique_ptr<Botan::Private_Key> load_pkcs8(std::span<const std::uint8_t> der, std::string_view name) {
    std::size_t version = 0;
    Botan::AlgorithmIdentifier algorithm;
    Bytes bits;
    Botan::BER_Decoder(der, Botan::BER_Decoder::Limits::DER())
        .start_sequence()
        .decode(version)
        .decode(algorithm)
        .decode(bits, Botan::ASN1_Type::OctetString)
        .discard_remaining()  // attributes, and since version 1 a copy of the public key
        .end_cons()
        .verify_end();
    if(version > 1) {
        throw Error(Errc::unsupported,
                    in_quotes(name) + " is a private key of version " + std::to_string(version));
    }
    const auto kind = algorithm.oid().human_name_or_empty();
    if(kind == "ECDSA") {
        require_named_curve(algorithm.parameters(), name);
        bits = with_whole_secret(bits, algorithm.parameters());
    }
    std::unique_ptr<Botan::Private_Key> key;
    try {
        key = Botan::load_private_key(algorithm, bits);
    } catch(const Botan::Exception&) {
        if(is_read(kind)) {
            throw;
        }
        std::throw_with_nested(unsupported_kind(name, kind.empty() ? algorithm.oid().to_string() : kind));
    }
    // An RSA key for PSS only would become one for anything, under another fingerprint.
    if(key->algorithm_identifier().oid() != algorithm.oid()) {
        throw unsupported_kind(name, kind);
    }
    return key;
}

std::unique_ptr<Botan::Private_Key> load_sec1(std::span<const std::uint8_t> der, std::string_view name) {
    std::size_t version = 0;
    Bytes secret_number;
    Botan::BER_Object parameters;
    Botan::BER_Decoder(der, Botan::BER_Decoder::Limits::DER())
        .start_sequence()
        .decode(version)
        .decode(secret_number, Botan::ASN1_Type::OctetString)
        .get_next(parameters)
        .discard_remaining()
        .end_cons()
        .verify_end();
    if(!parameters.is_a(0, Botan::ASN1_Class::ExplicitContextSpecific)) {
        throw malformed(name, "it does not say on which curve the key is");
    }
    require_named_curve(parameters.data(), name);
    const Botan::AlgorithmIdentifier algorithm(
        Botan::OID::from_string("ECDSA"),
        std::vector<std::uint8_t>(parameters.data().begin(), parameters.data().end()));
    return std::make_unique<Botan::ECDSA_PrivateKey>(algorithm, with_whole_secret(der, parameters.data()));
}

std::unique_ptr<Botan::Private_Key> load(Form form, std::span<const std::uint8_t> der, std::string_view name) {
    try {
        switch(form) {
            case Form::pkcs1_rsa:
                return std::make_unique<Botan::RSA_PrivateKey>(Botan::AlgorithmIdentifier(), der);
            case Form::sec1_ec:
                return load_sec1(der, name);
            case Form::pkcs8:
            case Form::pkcs8_encrypted:
                return load_pkcs8(der, name);
        }
    } catch(const Error&) {
        throw;
    } catch(const Botan::Exception&) {
        std::throw_with_nested(malformed(name, "the key in it cannot be read"));
    }
    throw Error(Errc::internal, "a private key of no known form");
}

/// Whether the key signs for its public half: one wrong number in an RSA key can make signatures that give it away.
bool works(const Botan::Private_Key& key) {
    auto& rng = Botan::system_rng();
    if(key.algo_name() != "RSA") {
        return key.check_key(rng, false);
    }
    // check_key would test the primes each time a key is opened, a tenth of a second and more.
    constexpr std::array<std::uint8_t, 3> message{1, 2, 3};
    constexpr std::string_view scheme = "PKCS1v15(SHA-256)";
    try {
        const auto signature = Botan::PK_Signer(key, rng, scheme).sign_message(message, rng);
        return Botan::PK_Verifier(key, scheme).verify_message(message, signature);
    } catch(const Botan::Exception&) {
        return false;
    }
}

Secret asked(const AskPassphrase& passphrase, std::string_view name) {
    if(!passphrase) {
        throw Error(Errc::secret_unavailable,
                    "the private key in " + in_quotes(name) + " is encrypted and no passphrase was given",
                    "give the source of its passphrase (env:NAME, file:PATH, fd:N or prompt:)");
    }
    return passphrase();
}

/// The form of what was decrypted: PKCS#8 out of PBES2, an older one out of the old encryption. A wrong passphrase gives
/// valid padding now and then, but no key as well.
Form form_of_decrypted(std::span<const std::uint8_t> der, std::string_view name, bool from_pbes2) {
    try {
        const auto form = form_of(der, name);
        if(form != Form::pkcs8_encrypted && (form == Form::pkcs8) == from_pbes2) {
            return form;
        }
    } catch(const Error&) {  // not a cause worth telling: it speaks of bytes that mean nothing
    }
    throw wrong_passphrase(name);
}

/// What a file is that is neither PEM nor any form of DER that is read.
void refuse_other_files(std::span<const std::uint8_t> bytes, std::string_view name) {
    constexpr std::array<std::uint8_t, 4> jks{0xfe, 0xed, 0xfe, 0xed};
    constexpr std::array<std::uint8_t, 4> jceks{0xce, 0xce, 0xce, 0xce};
    constexpr std::string_view putty = "PuTTY-User-Key-File-";
    const auto begins_with = [&](const auto& mark) {
        return bytes.size() >= mark.size() && std::equal(mark.begin(), mark.end(), bytes.begin());
    };
    if(begins_with(jks) || begins_with(jceks)) {
        throw Error(Errc::unsupported,
                    in_quotes(name) + " is a Java key store of an old form, which is not read",
                    "convert it: keytool -importkeystore -srckeystore OLD -destkeystore NEW -deststoretype PKCS12");
    }
    if(begins_with(putty)) {
        throw Error(Errc::unsupported,
                    in_quotes(name) + " is a key of PuTTY's, which is not read",
                    "convert it: puttygen OLD -O private-openssh -o NEW, then ssh-keygen -p -m PKCS8 -f NEW");
    }
}

std::string conversion_of(std::string_view label) {
    if(label == "OPENSSH PRIVATE KEY") {
        return "convert a copy of it: ssh-keygen -p -m PKCS8 -f COPY";
    }
    if(label == "TSS2 PRIVATE KEY") {
        return "the key can only be used by the TPM it was made in: use a backend of type hsm with the module of tpm2-pkcs11";
    }
    return "convert it: openssl pkcs8 -topk8 -scrypt -in OLD -out NEW";
}

const PemBlock& only_private_key(const std::vector<PemBlock>& blocks, std::string_view name) {
    const auto is_private_key = [](const PemBlock& block) { return block.label.ends_with("PRIVATE KEY"); };
    const auto block = std::ranges::find_if(blocks, is_private_key);
    if(std::ranges::count_if(blocks, is_private_key) > 1) {
        throw malformed(name, "it holds more than one");
    }
    if(std::ranges::find(read_labels, block->label) == read_labels.end()) {
        throw Error(Errc::unsupported,
                    "the private key in " + in_quotes(name) + " is of a form that is not read (" + block->label + ")",
                    conversion_of(block->label));
    }
    return *block;
}

/// The DEK-Info of a block in the old encryption; nothing for a block that is not encrypted in this way.
std::string old_encryption_of(const PemBlock& block, std::string_view name) {
    const auto type = block.headers.find("Proc-Type");
    const auto info = block.headers.find("DEK-Info");
    if(type == block.headers.end() && info == block.headers.end()) {
        return {};
    }
    if(type == block.headers.end() || type->second != "4,ENCRYPTED" || info == block.headers.end()) {
        throw malformed(name, "its headers \"Proc-Type\" and \"DEK-Info\" do not say how it is encrypted");
    }
    return info->second;
}

std::shared_ptr<const Botan::Public_Key> stated_public_key(const std::vector<PemBlock>& blocks,
                                                           std::string_view name) {
    const auto block = std::ranges::find(blocks, "PUBLIC KEY", &PemBlock::label);
    if(block == blocks.end()) {
        return nullptr;
    }
    try {
        return Botan::X509::load_key(block->contents);
    } catch(const Botan::Exception&) {
        std::throw_with_nested(malformed(name, "its block \"PUBLIC KEY\" cannot be read"));
    }
}

}  // namespace

PrivateKeyFile::PrivateKeyFile(Bytes der, std::string name)
    : der_(std::move(der)), name_(std::move(name)), encrypted_(form_of(der_, name_) == Form::pkcs8_encrypted) {}

PrivateKeyFile::PrivateKeyFile(Bytes body, std::string name, std::string old_encryption)
    : der_(std::move(body)), name_(std::move(name)), old_encryption_(std::move(old_encryption)), encrypted_(true) {}

std::optional<PrivateKeyFile> PrivateKeyFile::find(std::span<const std::uint8_t> bytes, std::string_view name) {
    if(!is_pem(bytes)) {
        refuse_other_files(bytes, name);
        return PrivateKeyFile(
            is_pkcs12(bytes) ? private_key_of_pkcs12(bytes, name) : Bytes(bytes.begin(), bytes.end()), std::string(name));
    }
    const auto blocks = parse_pem(bytes, name);
    if(std::ranges::none_of(blocks,
                            [](const PemBlock& block) { return block.label.ends_with("PRIVATE KEY"); })) {
        return std::nullopt;
    }
    const auto& block = only_private_key(blocks, name);
    auto old_encryption = old_encryption_of(block, name);
    auto file = old_encryption.empty() ? PrivateKeyFile(block.contents, std::string(name))
                                       : PrivateKeyFile(block.contents, std::string(name), std::move(old_encryption));
    file.public_key_ = stated_public_key(blocks, name);
    return file;
}

PrivateKeyFile PrivateKeyFile::parse(std::span<const std::uint8_t> bytes, std::string_view name) {
    auto file = find(bytes, name);
    if(!file) {
        throw malformed(name, "there is no private key in it");
    }
    return std::move(*file);
}

std::unique_ptr<Botan::Private_Key> PrivateKeyFile::open(const AskPassphrase& passphrase) const {
    auto key = [&] {
        if(!encrypted_) {
            return load(form_of(der_, name_), der_, name_);
        }
        const auto secret = asked(passphrase, name_);
        const bool is_pbes2 = old_encryption_.empty();
        const auto der = is_pbes2 ? decrypt_pkcs8(der_, secret, name_)
                                  : decrypt_traditional_pem(der_, old_encryption_, secret, name_);
        return load(form_of_decrypted(der, name_, is_pbes2), der, name_);
    }();
    if(!works(*key)) {
        throw malformed(name_, "the parts of the key do not fit together");
    }
    if(public_key_ != nullptr && public_key_->subject_public_key() != key->subject_public_key()) {
        throw malformed(name_, "its block \"PUBLIC KEY\" is of another key");
    }
    return key;
}

std::unique_ptr<Botan::Private_Key> read_private_key(std::span<const std::uint8_t> bytes,
                                                     std::string_view name,
                                                     const AskPassphrase& passphrase) {
    return PrivateKeyFile::parse(bytes, name).open(passphrase);
}

}  // namespace keyway
