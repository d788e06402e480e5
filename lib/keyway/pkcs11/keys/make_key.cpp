// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/keys/key_wrapping_internal.hpp>
#include <keyway/pkcs11/keys/parameter_set_internal.hpp>
#include <keyway/pkcs11/keys/public_key_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/ber_dec.h>
#include <botan/bigint.h>
#include <botan/data_src.h>
#include <botan/ecc_key.h>
#include <botan/pk_keys.h>
#include <botan/pkcs8.h>
#include <botan/rsa.h>

#include <array>
#include <utility>

namespace keyway::pkcs11 {

namespace {

void add_flag(Template& out, CK_ATTRIBUTE_TYPE type, bool value) {
    if(value) {
        out.add_yes(type);
    } else {
        out.add_no(type);
    }
}

void add_identity(Template& out, const NewKey& key) {
    out.add_yes(CKA_TOKEN);
    out.add(CKA_ID, key.id);
    out.add_text(CKA_LABEL, key.label);
}

/// How much a template says.
enum class Detail {
    full,
    lean,  ///< not what a token that refuses it has as its default anyway
};

/// What tokens say to a template with an attribute that they do not know, or do not let the caller choose.
bool refuses_template(CK_RV result) {
    switch(result) {
        case CKR_ATTRIBUTE_TYPE_INVALID:
        case CKR_ATTRIBUTE_VALUE_INVALID:
        case CKR_ATTRIBUTE_READ_ONLY:
        case CKR_TEMPLATE_INCONSISTENT:
            return true;
        default:
            return false;
    }
}

/// Every usage is said explicitly: what is left out, many tokens take as allowed.
void add_private_policy(Template& out, const NewKey& key, Detail detail) {
    out.add_yes(CKA_PRIVATE);
    add_flag(out, CKA_SENSITIVE, true);
    add_flag(out, CKA_EXTRACTABLE, key.extractable);
    add_flag(out, CKA_SIGN, key.usage.sign);
    add_flag(out, CKA_DECRYPT, key.usage.decrypt);
    add_flag(out, CKA_UNWRAP, key.usage.unwrap);
    add_flag(out, CKA_DERIVE, key.usage.derive);
    if(detail == Detail::full) {
        out.add_no(CKA_SIGN_RECOVER);
    }
    if(key.always_authenticate) {
        out.add_yes(CKA_ALWAYS_AUTHENTICATE);
    }
}

void add_public_policy(Template& out, const NewKey& key, Detail detail) {
    if(detail == Detail::lean) {
        return;  // whoever has the public key can do with it all that the object could forbid
    }
    // Public, so that the key can be told without a login.
    add_flag(out, CKA_PRIVATE, key.rules.public_keys_private);
    add_flag(out, CKA_VERIFY, key.usage.sign);
    add_flag(out, CKA_ENCRYPT, key.usage.decrypt);
    add_flag(out, CKA_WRAP, key.usage.unwrap);
    out.add_no(CKA_DERIVE);
    out.add_no(CKA_VERIFY_RECOVER);
}

bool has_parameter_set(const KeySpec& spec) {
    return spec.type() == KeyType::ml_dsa || spec.type() == KeyType::slh_dsa;
}

}  // namespace

CK_MECHANISM_TYPE generation_mechanism(const KeySpec& spec) {
    switch(spec.type()) {
        case KeyType::rsa:
            return CKM_RSA_PKCS_KEY_PAIR_GEN;
        case KeyType::ec:
            return CKM_EC_KEY_PAIR_GEN;
        case KeyType::ed25519:
        case KeyType::ed448:
            return CKM_EC_EDWARDS_KEY_PAIR_GEN;
        case KeyType::x25519:
        case KeyType::x448:
            return CKM_EC_MONTGOMERY_KEY_PAIR_GEN;
        case KeyType::ml_dsa:
            return CKM_ML_DSA_KEY_PAIR_GEN;
        case KeyType::slh_dsa:
            return CKM_SLH_DSA_KEY_PAIR_GEN;
        case KeyType::dsa:
            break;  // no backend offers to put one into a token
    }
    throw Error(Errc::internal, "a key of no known kind");
}

namespace {

void add_big(Template& out, CK_ATTRIBUTE_TYPE type, const Botan::BigInt& value) {
    out.add(type, value.serialize<Botan::secure_vector<std::uint8_t>>());
}

/// CKA_EC_PARAMS as the token has them.
std::vector<std::uint8_t> parameters_for(const KeySpec& spec, const ObjectRules& rules) {
    return spec.type() == KeyType::ed25519 && rules.ed25519_parameters ? *rules.ed25519_parameters : ec_parameters(spec);
}

void add_private_value(Template& out, const Botan::Private_Key& key, const KeySpec& spec, const ObjectRules& rules) {
    if(const auto* const rsa = dynamic_cast<const Botan::RSA_PrivateKey*>(&key)) {
        add_big(out, CKA_MODULUS, rsa->get_n());
        add_big(out, CKA_PUBLIC_EXPONENT, rsa->get_e());
        add_big(out, CKA_PRIVATE_EXPONENT, rsa->get_d());
        add_big(out, CKA_PRIME_1, rsa->get_p());
        add_big(out, CKA_PRIME_2, rsa->get_q());
        add_big(out, CKA_EXPONENT_1, rsa->get_d1());
        add_big(out, CKA_EXPONENT_2, rsa->get_d2());
        add_big(out, CKA_COEFFICIENT, rsa->get_c());
        return;
    }
    if(dynamic_cast<const Botan::EC_PrivateKey*>(&key) != nullptr) {
        out.add(CKA_EC_PARAMS, ec_parameters(spec));
        out.add(CKA_VALUE, key.raw_private_key_bits());
        return;
    }
    if(spec.type() == KeyType::ed25519 || spec.type() == KeyType::ed448) {
        // CKA_VALUE is the bare seed; tokens take the DER of it without a word and then fail to sign.
        Botan::secure_vector<std::uint8_t> seed;
        Botan::BER_Decoder(key.private_key_bits()).decode(seed, Botan::ASN1_Type::OctetString).discard_remaining();
        out.add(CKA_EC_PARAMS, parameters_for(spec, rules));
        out.add(CKA_VALUE, seed);
        return;
    }
    if(spec.type() == KeyType::x25519 || spec.type() == KeyType::x448) {
        out.add(CKA_EC_PARAMS, ec_parameters(spec));
        out.add(CKA_VALUE, key.raw_private_key_bits());
        return;
    }
    if(has_parameter_set(spec)) {
        // Of an ML-DSA key Botan has the seed only, from which the token makes the rest; an SLH-DSA key has one form.
        out.add_number(CKA_PARAMETER_SET, parameter_set_of(spec));
        out.add(spec.type() == KeyType::ml_dsa ? CKA_SEED : CKA_VALUE, key.raw_private_key_bits());
        return;
    }
    throw Error(Errc::unsupported, "this key does not show its private part, so it cannot be stored elsewhere",
                "a key that lives in a token stays there");
}

/// The key as one of Botan's own classes, which alone show the numbers of an RSA key: one whose uses are told of is none.
/// @return nothing when it is one, or shows its private part to nobody
std::unique_ptr<Botan::Private_Key> of_botan(const Botan::Private_Key& key, const KeySpec& spec) {
    const bool is_one = spec.type() == KeyType::rsa ? dynamic_cast<const Botan::RSA_PrivateKey*>(&key) != nullptr
                                      : dynamic_cast<const Botan::EC_PrivateKey*>(&key) != nullptr || spec.curve().empty();
    if(is_one) {
        return nullptr;
    }
    try {
        Botan::DataSource_Memory source(key.private_key_info());
        return Botan::PKCS8::load_key(source);
    } catch(const Botan::Exception&) {
        return nullptr;
    }
}

/// @param attributes makes the template in a detail
template <typename Attributes>
CK_OBJECT_HANDLE create_object(const Session& session, const Attributes& attributes, std::string_view doing) {
    for(const auto detail : {Detail::full, Detail::lean}) {
        auto all = attributes(detail);
        CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
        const auto turn = session.turn_for(Module::ObjectWork::making);
        const auto result = session.calls().C_CreateObject(session.handle(), all.data(), all.size(), &object);
        if(result == CKR_OK) {
            return object;
        }
        if(detail == Detail::lean || !refuses_template(result)) {
            throw call_failed(result, doing);
        }
    }
    throw Error(Errc::internal, "no template was tried");
}

struct NewPair {
    CK_OBJECT_HANDLE private_object = CK_INVALID_HANDLE;
    CK_OBJECT_HANDLE public_object = CK_INVALID_HANDLE;
};

CK_RV generate_pair(const Session& session, const KeySpec& spec, const NewKey& key, Detail detail, NewPair& made) {
    Template public_attributes;
    add_identity(public_attributes, key);
    add_public_policy(public_attributes, key, detail);
    if(spec.type() == KeyType::rsa) {
        constexpr std::array<std::uint8_t, 3> exponent{1, 0, 1};
        public_attributes.add_number(CKA_MODULUS_BITS, spec.bits());
        public_attributes.add(CKA_PUBLIC_EXPONENT, exponent);
    } else if(has_parameter_set(spec)) {
        public_attributes.add_number(CKA_PARAMETER_SET, parameter_set_of(spec));
    } else {
        public_attributes.add(CKA_EC_PARAMS, parameters_for(spec, key.rules));
    }
    Template private_attributes;
    add_identity(private_attributes, key);
    add_private_policy(private_attributes, key, detail);
    public_attributes.leave_out(key.rules.refused.generate_public);
    private_attributes.leave_out(key.rules.refused.generate_private);
    CK_MECHANISM mechanism{generation_mechanism(spec), nullptr, 0};
    const auto turn = session.turn_for(Module::ObjectWork::making);
    return session.calls().C_GenerateKeyPair(session.handle(),
                                             &mechanism,
                                             public_attributes.data(),
                                             public_attributes.size(),
                                             private_attributes.data(),
                                             private_attributes.size(),
                                             &made.public_object,
                                             &made.private_object);
}

void take_names(FoundKey& found, const NewKey& key) {
    found.id = key.id;
    found.label = key.label;
    found.may_sign = key.usage.sign;
    found.may_decrypt = key.usage.decrypt;
    found.may_derive = key.usage.derive;
    found.always_authenticate = key.always_authenticate;
}

}  // namespace

ObjectRules ObjectRules::of(const QuirkProfile& quirks) {
    const QuirkNumbers numbers(quirks);
    return {.refused = numbers.refused(),
            .ec_point = quirks.ec_point.value_or(EcPointForm::der),
            .edwards_point = quirks.edwards_point.value_or(EcPointForm::der),
            .ed25519_parameters = numbers.ed25519_parameters(),
            .public_keys_private = quirks.public_keys_private,
            .import_private_only = quirks.import_private_only};
}

KeyUsage KeyUsage::parse(std::string_view text) {
    KeyUsage usage{.sign = false};
    if(text.empty()) {
        throw Error(Errc::invalid_option, "a key without any usage is of no use", "known are: sign, decrypt, unwrap, derive");
    }
    while(!text.empty()) {
        const auto word = text.substr(0, text.find(','));
        if(word == "sign") {
            usage.sign = true;
        } else if(word == "decrypt") {
            usage.decrypt = true;
        } else if(word == "unwrap") {
            usage.unwrap = true;
        } else if(word == "derive") {
            usage.derive = true;
        } else {
            throw Error(Errc::invalid_option, "a key has no usage " + in_quotes(word),
                        "known are: sign, decrypt, unwrap, derive");
        }
        text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
    return usage;
}

FoundKey generate_key(const Session& session, const KeySpec& spec, const NewKey& key, NewObjects& made) {
    NewPair pair;
    auto result = generate_pair(session, spec, key, Detail::full, pair);
    if(refuses_template(result)) {
        result = generate_pair(session, spec, key, Detail::lean, pair);
    }
    if(result != CKR_OK) {
        throw call_failed(result, "make a key of type " + in_quotes(spec.to_string()) + " in the token");
    }
    FoundKey found;
    found.private_object = pair.private_object;
    const auto public_object = pair.public_object;
    made.add(found.private_object);
    made.add(public_object);
    take_names(found, key);
    found.public_objects.push_back(public_object);
    found.public_key = read_public_key(session, public_object);
    if(!found.public_key || KeySpec::of(*found.public_key) != spec) {
        throw Error(Errc::token_failed, "the token made another kind of key than " + in_quotes(spec.to_string()),
                    "the key was removed again; the token's module is at fault");
    }
    return found;
}

namespace {

Template private_attributes(const KeySpec& spec, const NewKey& key, Detail detail) {
    Template out;
    out.add_number(CKA_CLASS, CKO_PRIVATE_KEY);
    out.add_number(CKA_KEY_TYPE, key_type_of(spec));
    add_identity(out, key);
    add_private_policy(out, key, detail);
    return out;
}

/// The public object of a key whose private one comes next: if the process ends in between, what is left is harmless, and is
/// listed and removed like a key.
FoundKey write_public(const Session& session, const Botan::Public_Key& public_half, const NewKey& key, NewObjects& made) {
    const auto attributes = [&](Detail detail) {
        Template out;
        out.add_number(CKA_CLASS, CKO_PUBLIC_KEY);
        out.add_number(CKA_KEY_TYPE, key_type_of(KeySpec::of(public_half)));
        add_identity(out, key);
        add_public_policy(out, key, detail);
        const auto spec = KeySpec::of(public_half);
        // Montgomery curves have had the form of the Edwards ones in every version of the standard.
        add_public_value(out, public_half, spec.type() == KeyType::ec ? key.rules.ec_point : key.rules.edwards_point);
        if(spec.type() == KeyType::ed25519 && key.rules.ed25519_parameters) {
            out.leave_out({CKA_EC_PARAMS}).add(CKA_EC_PARAMS, *key.rules.ed25519_parameters);
        }
        out.leave_out(key.rules.refused.import_public);
        return out;
    };
    FoundKey found;
    take_names(found, key);
    found.public_objects.push_back(create_object(session, attributes, "write the public key into the token"));
    made.add(found.public_objects.front());
    return found;
}

void read_back(const Session& session, const Botan::Public_Key& public_half, FoundKey& found) {
    found.public_key = read_public_key(session, found.public_objects.front());
    if(!found.public_key || SpkiFingerprint::of(*found.public_key) != SpkiFingerprint::of(public_half)) {
        throw Error(Errc::token_failed, "the token shows another public key than the one written into it",
                    "the key was removed again; the token's module is at fault");
    }
}

}  // namespace

FoundKey import_key(const Session& session, const Botan::Private_Key& source, const NewKey& key, NewObjects& made) {
    const auto public_half = source.public_key();
    const auto spec = KeySpec::of(*public_half);
    const auto bare = of_botan(source, spec);
    const auto attributes = [&](Detail detail) {
        auto out = private_attributes(spec, key, detail);
        add_private_value(out, bare ? *bare : source, spec, key.rules);
        out.leave_out(key.rules.refused.import_private);
        return out;
    };

    if(key.rules.import_private_only) {
        NewObjects alone(session);
        alone.add(create_object(session, attributes, "write the private key into the token"));
        // The token shows the public key by itself, or nobody could tell which key it is.
        auto found = find_key(session, {.id = key.id, .label = key.label}, SpkiFingerprint::of(*public_half), "the token");
        alone.keep();
        made.add(found.private_object);
        return found;
    }

    auto found = write_public(session, *public_half, key, made);
    try {
        found.private_object = create_object(session, attributes, "write the private key into the token");
    } catch(const Error& error) {
        if(spec.type() != KeyType::ml_dsa || error.code() != Errc::token_failed) {
            throw;
        }
        throw Error(Errc::unsupported, "the token does not take an ML-DSA key by its seed: " + error.return_value(),
                    "Botan keeps no other form of it; make the key in the token")
            .with_return_value(error.return_value());
    }
    made.add(found.private_object);
    read_back(session, *public_half, found);
    return found;
}

FoundKey unwrap_key(const Session& session,
                    CK_OBJECT_HANDLE wrapping_key,
                    const WrappedKey& wrapped,
                    const Botan::Public_Key& public_half,
                    const NewKey& key,
                    NewObjects& made) {
    auto attributes = private_attributes(KeySpec::of(public_half), key, Detail::lean);
    attributes.leave_out(key.rules.refused.import_private);
    if(key.rules.import_private_only) {
        NewObjects alone(session);
        alone.add(unwrap_object(session, wrapping_key, wrapped, std::move(attributes)));
        auto found = find_key(session, {.id = key.id, .label = key.label}, SpkiFingerprint::of(public_half), "the token");
        alone.keep();
        made.add(found.private_object);
        return found;
    }
    auto found = write_public(session, public_half, key, made);
    found.private_object = unwrap_object(session, wrapping_key, wrapped, std::move(attributes));
    made.add(found.private_object);
    read_back(session, public_half, found);
    return found;
}

}  // namespace keyway::pkcs11
