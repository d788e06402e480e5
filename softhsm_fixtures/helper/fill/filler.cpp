// SPDX-License-Identifier: BSD-2-Clause
#include "filler.hpp"

#include "attributes.hpp"

#include <openssl/x509v3.h>

#include <algorithm>
#include <string_view>

namespace fill {

namespace {

using namespace softhsm_fixtures::internal;

[[nodiscard]] CK_MECHANISM_TYPE pair_mechanism(EntryType type) {
    switch (type) {
    case EntryType::rsa: return CKM_RSA_PKCS_KEY_PAIR_GEN;
    case EntryType::ec: return CKM_EC_KEY_PAIR_GEN;
    case EntryType::dsa: return CKM_DSA_KEY_PAIR_GEN;
    case EntryType::dh: return CKM_DH_PKCS_KEY_PAIR_GEN;
    case EntryType::ed25519:
    case EntryType::ed448: return CKM_EC_EDWARDS_KEY_PAIR_GEN;
    default: return CKM_EC_MONTGOMERY_KEY_PAIR_GEN;
    }
}

[[nodiscard]] CK_MECHANISM_TYPE secret_mechanism(EntryType type) {
    switch (type) {
    case EntryType::aes: return CKM_AES_KEY_GEN;
    case EntryType::des3: return CKM_DES3_KEY_GEN;
    default: return CKM_GENERIC_SECRET_KEY_GEN;
    }
}

[[nodiscard]] bool is_montgomery(EntryType type) {
    return type == EntryType::x25519 || type == EntryType::x448;
}

/// Each byte of a DES key has an odd number of set bits.
void set_parity(Bytes& key) {
    for (std::uint8_t& byte : key) {
        unsigned ones = 0;
        for (unsigned bit = 1; bit < 8; ++bit) {
            ones += (static_cast<unsigned>(byte) >> static_cast<unsigned>(bit)) & 1U;
        }
        byte = static_cast<std::uint8_t>((byte & 0xfeU) | (ones % 2 == 0 ? 1U : 0U));
    }
}

/// Tokens of hardware take no keys, but make some.
[[nodiscard]] std::string hint_for(const Entry& entry, std::string_view failure) {
    const bool could_be_made = is_key_pair(entry.type) ? entry.type != EntryType::key : is_secret_key(entry.type) && entry.type != EntryType::hmac;
    return could_be_made && !entry.generated && !entry.value_given && failure.starts_with("C_CreateObject ")
               ? "; a token that takes no such key from outside may make it itself: \"origin\": \"generated\""
               : "";
}

} // namespace

void Filler::fill() {
    for (const Entry& entry : content_.entries) {
        for (unsigned n = 1; n <= entry.count; ++n) {
            try {
                fill_entry(entry, n);
            } catch (const helper::Failure& failure) {
                throw helper::Failure(place_of(entry) + ": " + failure.what() + hint_for(entry, failure.what()));
            }
        }
    }
}

void Filler::fill_trusted() {
    for (Waiting& waiting : trusted_) {
        try {
            static_cast<void>(token_.create(waiting.object));
            progress_.made(1);
        } catch (const helper::Failure& failure) {
            throw helper::Failure(place_of(*waiting.entry) + ": as trusted: " + failure.what());
        }
    }
    trusted_.clear();
}

void Filler::fill_entry(const Entry& entry, unsigned n) {
    if (is_secret_key(entry.type)) {
        add_secret_key(entry, n);
    } else if (entry.type == EntryType::data) {
        add_data(entry, n);
    } else if (is_key_pair(entry.type)) {
        add_key_pair(entry, n);
    } else if (entry.key) {
        add_certificate(entry, n, *keys_[*entry.key]);
    } else {
        KnownKey none;
        add_certificate(entry, n, none);
    }
}

void Filler::create(const Entry& entry, Template object) {
    // Only the security officer may say so, and whoever has logged in as that sees no private objects.
    if (object.flag(CKA_TRUSTED).value_or(false)) {
        if (object.flag(CKA_PRIVATE).value_or(false)) {
            throw helper::Failure("a trusted key has to be \"private\": false");
        }
        trusted_.push_back({&entry, std::move(object)});
        return;
    }
    static_cast<void>(token_.create(object));
    progress_.made(1);
}

void Filler::create_montgomery_too(const Entry& entry, Template object) {
    try {
        create(entry, object);
    } catch (const helper::CallFailed&) {
        // SoftHSM knows X25519 and X448, but as keys of the kind of Ed25519; the curve tells them apart.
        object.add_number(CKA_KEY_TYPE, CKK_EC_EDWARDS);
        create(entry, std::move(object));
    }
}

void Filler::add_key_pair(const Entry& entry, unsigned n) {
    KnownKey known;
    known.label = expanded(entry.label, n);
    if (entry.generated) {
        generate_pair(entry, n, known);
    } else {
        import_pair(entry, n, known);
    }
    if (entry.certificate) {
        add_certificate(entry, n, known);
    }
    if (entry.count == 1) {
        keys_[entry.index] = std::move(known);
    }
}

void Filler::import_pair(const Entry& entry, unsigned n, KnownKey& known) {
    KeyMaterial material = entry.type == EntryType::key ? read_key(entry.pem) : make_key(entry);
    const EVP_PKEY& key = *material.key;
    const EntryType type = type_of(key);
    known.id = entry.id ? expanded_id(*entry.id, n) : key_identifier(key);
    const auto store = [&](Template object) {
        is_montgomery(type) ? create_montgomery_too(entry, std::move(object))
                            : create(entry, std::move(object));
    };
    if (entry.stored == Stored::pair || entry.stored == Stored::public_only) {
        Template object;
        add_identity(object, CKO_PUBLIC_KEY, known.label, known.id);
        add_public_value(object, key);
        add_public_policy(object, entry, type);
        store(std::move(object));
    }
    if (entry.stored == Stored::private_only && !material.has_private) {
        throw helper::Failure("the PEM holds a public key, and \"store\" is \"private\"");
    }
    if (material.has_private && (entry.stored == Stored::pair || entry.stored == Stored::private_only)) {
        Template object;
        add_identity(object, CKO_PRIVATE_KEY, known.label, known.id);
        add_private_value(object, key);
        add_private_policy(object, entry, type);
        store(std::move(object));
    }
    known.has_private = material.has_private;
    known.key = std::move(material.key);
}

void Filler::generate_pair(const Entry& entry, unsigned n, KnownKey& known) {
    if (entry.id) {
        known.id = expanded_id(*entry.id, n);
    }
    Template public_key;
    Template private_key;
    add_identity(public_key, CKO_PUBLIC_KEY, known.label, known.id);
    add_identity(private_key, CKO_PRIVATE_KEY, known.label, known.id);
    add_public_policy(public_key, entry, entry.type);
    add_private_policy(private_key, entry, entry.type);
    if (public_key.flag(CKA_TRUSTED).value_or(false)) {
        throw helper::Failure("a key that the token generates cannot be trusted");
    }
    // A key of the same kind lends its parameters; for RSA a small one, which lends only its kind.
    Entry like = entry;
    like.bits = entry.type == EntryType::rsa ? 1024 : entry.bits;
    const Key example = make_key(like).key;
    if (entry.type == EntryType::rsa) {
        Bytes exponent;
        for (std::uint64_t rest = entry.exponent; rest != 0; rest >>= 8U) {
            exponent.insert(exponent.begin(), static_cast<std::uint8_t>(rest & 0xffU));
        }
        public_key.add_number(CKA_MODULUS_BITS, entry.bits);
        public_key.add(CKA_PUBLIC_EXPONENT, exponent);
    } else {
        add_domain(public_key, *example);
    }
    TokenSession::Pair pair;
    try {
        pair = token_.generate_pair(pair_mechanism(entry.type), public_key, private_key);
    } catch (const helper::CallFailed&) {
        if (is_montgomery(entry.type)) {
            // As create_montgomery_too().
            pair = token_.generate_pair(CKM_EC_EDWARDS_KEY_PAIR_GEN, public_key, private_key);
        } else if (!entry.usage) {
            // tpm2-pkcs11 makes no key that is told what it may not do.
            for (const CK_ATTRIBUTE_TYPE usage : {CKA_SIGN, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE, CKA_VERIFY, CKA_ENCRYPT, CKA_WRAP}) {
                public_key.leave_out_if_false(usage);
                private_key.leave_out_if_false(usage);
            }
            pair = token_.generate_pair(pair_mechanism(entry.type), public_key, private_key);
        } else {
            throw;
        }
    }
    progress_.made(entry.stored == Stored::pair ? 2 : 1);
    known.key = public_key_in(token_, pair.public_key, *example);
    known.in_token = pair.private_key;
    known.authenticate = private_key.flag(CKA_ALWAYS_AUTHENTICATE).value_or(false);
    if (!entry.id) {
        known.id = key_identifier(*known.key);
        Template id;
        id.add(CKA_ID, known.id);
        token_.set_attributes(pair.public_key, id);
        token_.set_attributes(pair.private_key, id);
    }
    if (entry.stored == Stored::private_only) {
        token_.destroy(pair.public_key);
    }
    if (entry.stored == Stored::public_only) {
        token_.destroy(pair.private_key);
        known.in_token = 0;
    }
}

void Filler::add_secret_key(const Entry& entry, unsigned n) {
    const Bytes id = entry.id ? expanded_id(*entry.id, n) : Bytes{};
    Template key;
    add_identity(key, CKO_SECRET_KEY, expanded(entry.label, n), id);
    key.add_number(CKA_KEY_TYPE, secret_key_type(entry));
    add_secret_policy(key, entry);
    if (entry.generated) {
        if (entry.type != EntryType::des3) {
            key.add_number(CKA_VALUE_LEN, entry.bits / 8);
        }
        static_cast<void>(token_.generate_key(secret_mechanism(entry.type), key));
        progress_.made(1);
        return;
    }
    Bytes value = entry.value_given ? entry.value : random_bytes(entry.bits / 8);
    if (entry.type == EntryType::des3 && !entry.value_given) {
        set_parity(value);
    }
    key.add(CKA_VALUE, std::move(value));
    create(entry, std::move(key));
}

void Filler::add_data(const Entry& entry, unsigned n) {
    Template data;
    add_identity(data, CKO_DATA, expanded(entry.label, n), {});
    data.add_flag(CKA_PRIVATE, false);
    data.add_text(CKA_APPLICATION, entry.application);
    if (entry.value_given) {
        data.add(CKA_VALUE, entry.value);
    } else {
        data.add_text(CKA_VALUE, expanded(entry.text, n));
    }
    add_given(data, entry.attributes, of_data);
    create(entry, std::move(data));
}

Signer Filler::signer_of(KnownKey& known) {
    if (known.in_token != 0) {
        return token_signer(token_, known.in_token, *known.key, known.authenticate);
    }
    if (!known.has_private) {
        throw helper::Failure("the private key that would sign the certificate is not there");
    }
    return software_signer(*known.key);
}

void Filler::add_certificate(const Entry& entry, unsigned n, KnownKey& known) {
    const CertificateRecipe& recipe = *entry.certificate;
    const bool self_signed = recipe.issuer == (entry.key ? *entry.key : entry.index);
    Certificate certificate;
    if (!recipe.pem.empty()) {
        certificate = read_certificate(recipe.pem);
        if (known.key && X509_check_private_key(certificate.get(), known.key.get()) != 1) {
            throw crypto_failure("the certificate belongs to another key");
        }
    } else {
        KnownKey& issuer = self_signed ? known : *keys_[recipe.issuer];
        certificate = make_certificate({.recipe = &recipe,
                                        .n = n,
                                        .common_name = known.label,
                                        .key = known.key.get(),
                                        .issuer = self_signed ? nullptr : issuer.certificate.get()},
                                       signer_of(issuer));
    }

    const bool own_entry = entry.type == EntryType::certificate;
    const auto& label = own_entry && !entry.label.empty() ? std::optional(entry.label) : recipe.label;
    const auto& id = own_entry ? entry.id : recipe.id;
    const Bytes default_id =
        known.key ? known.id
                  : key_identifier(*must_have(X509_get0_pubkey(certificate.get()), "no public key"));
    Template object;
    add_identity(object, CKO_CERTIFICATE, label ? expanded(*label, n) : known.label,
                 id ? expanded_id(*id, n) : default_id);
    object.add_flag(CKA_PRIVATE, false);
    add_certificate_value(object, *certificate, X509_check_ca(certificate.get()) == 1);
    add_given(object, own_entry ? entry.attributes : recipe.attributes, of_certificate);
    create(entry, std::move(object));
    if (!own_entry) {
        known.certificate = std::move(certificate);
    }
}

} // namespace fill
