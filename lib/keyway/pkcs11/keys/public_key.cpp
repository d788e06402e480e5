// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/keys/curve_internal.hpp>
#include <keyway/pkcs11/keys/parameter_set_internal.hpp>
#include <keyway/pkcs11/keys/public_key_internal.hpp>

#include <botan/ber_dec.h>
#include <botan/bigint.h>
#include <botan/data_src.h>
#include <botan/der_enc.h>
#include <botan/ec_apoint.h>
#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/ed25519.h>
#include <botan/ed448.h>
#include <botan/ml_dsa.h>
#include <botan/rsa.h>
#include <botan/slh_dsa.h>
#include <botan/x25519.h>
#include <botan/x448.h>
#include <botan/x509_key.h>
#include <botan/x509cert.h>

#include <array>
#include <optional>
#include <span>
#include <utility>

namespace keyway::pkcs11 {

namespace {

using Bytes = std::vector<std::uint8_t>;

Error malformed(const std::string& why) {
    return {Errc::malformed_data, "a key object in the token is damaged: " + why,
            "the object was written by a program that encodes keys otherwise; remove it or import it again"};
}

/// Runs work that reads what another program wrote: whatever is wrong with it, it is no fault of ours.
template <typename Work>
std::unique_ptr<Botan::Public_Key> reading(const Work& work) {
    try {
        return work();
    } catch(const Error&) {
        throw;
    } catch(const Botan::Exception& error) {
        throw malformed(error.what());
    }
}

/// What is inside a DER string, or nothing when the bytes are not exactly one.
std::optional<Bytes> unwrapped(std::span<const std::uint8_t> bytes, Botan::ASN1_Type type) {
    try {
        Bytes inside;
        Botan::BER_Decoder(bytes).decode(inside, type).verify_end();
        return inside;
    } catch(const Botan::Decoding_Error&) {
        return std::nullopt;
    }
}

std::unique_ptr<Botan::Public_Key> rsa_key(const Attributes& object) {
    const auto* const modulus = object.find_filled(CKA_MODULUS);
    const auto* const exponent = object.find_filled(CKA_PUBLIC_EXPONENT);
    if(modulus == nullptr || exponent == nullptr) {
        return nullptr;
    }
    return std::make_unique<Botan::RSA_PublicKey>(Botan::BigInt::from_bytes(*modulus),
                                                  Botan::BigInt::from_bytes(*exponent));
}

std::unique_ptr<Botan::Public_Key> key_on(const Botan::EC_Group& group, const Bytes& encoded) {
    // A bare uncompressed point begins with 4 as an OCTET STRING does; what parses as a whole OCTET STRING holding a
    // point is one, as no bare point of a known curve has the length that this needs.
    if(const auto inside = unwrapped(encoded, Botan::ASN1_Type::OctetString)) {
        if(const auto point = Botan::EC_AffinePoint::deserialize(group, *inside); point && !point->is_identity()) {
            return std::make_unique<Botan::ECDSA_PublicKey>(group, *point);
        }
    }
    if(const auto point = Botan::EC_AffinePoint::deserialize(group, encoded); point && !point->is_identity()) {
        return std::make_unique<Botan::ECDSA_PublicKey>(group, *point);
    }
    throw malformed("CKA_EC_POINT is no point of its curve");
}

std::size_t point_bytes(FixedCurve curve) {
    switch(curve) {
        case FixedCurve::ed25519:
        case FixedCurve::x25519:
            return 32;
        case FixedCurve::ed448:
            return 57;
        case FixedCurve::x448:
            return 56;
    }
    return 0;
}

std::unique_ptr<Botan::Public_Key> key_on(FixedCurve curve, const Bytes& encoded) {
    auto point = encoded;
    for(const auto wrapping : {Botan::ASN1_Type::OctetString, Botan::ASN1_Type::BitString}) {
        if(point.size() != point_bytes(curve)) {
            point = unwrapped(encoded, wrapping).value_or(point);
        }
    }
    if(point.size() != point_bytes(curve)) {
        throw malformed("CKA_EC_POINT has " + std::to_string(encoded.size()) + " bytes");
    }
    switch(curve) {
        case FixedCurve::ed25519:
            return std::make_unique<Botan::Ed25519_PublicKey>(point);
        case FixedCurve::ed448:
            return std::make_unique<Botan::Ed448_PublicKey>(point);
        case FixedCurve::x25519:
            return std::make_unique<Botan::X25519_PublicKey>(point);
        case FixedCurve::x448:
            return std::make_unique<Botan::X448_PublicKey>(point);
    }
    return nullptr;
}

/// The curve decides, not the key type: tokens keep Edwards keys under CKK_EC too.
std::unique_ptr<Botan::Public_Key> ec_key(const Attributes& object, CK_KEY_TYPE type) {
    const auto* const point = object.find_filled(CKA_EC_POINT);
    if(point == nullptr) {
        return nullptr;
    }
    const auto* const parameters = object.find_filled(CKA_EC_PARAMS);
    if(parameters == nullptr) {
        // Some tokens do not say which Edwards curve; the length does.
        const bool is_448 = point->size() >= point_bytes(FixedCurve::ed448);
        return type == CKK_EC_EDWARDS ? key_on(is_448 ? FixedCurve::ed448 : FixedCurve::ed25519, *point) : nullptr;
    }
    const auto curve = read_curve(*parameters);
    if(const auto* const fixed = std::get_if<FixedCurve>(&curve)) {
        return key_on(*fixed, *point);
    }
    if(const auto* const group = std::get_if<Botan::EC_Group>(&curve)) {
        return key_on(*group, *point);
    }
    return nullptr;
}

/// The values of a public object only: CKA_VALUE of a private one is the secret, which no token shows of a key that stays.
std::unique_ptr<Botan::Public_Key> pqc_key(const Attributes& object, CK_KEY_TYPE type) {
    const auto* const value = object.find_filled(CKA_VALUE);
    const auto number = object.number(CKA_PARAMETER_SET);
    if(value == nullptr || !number || object.number(CKA_CLASS) != CKO_PUBLIC_KEY) {
        return nullptr;
    }
    const auto kind = kind_of_parameter_set(type, *number);
    if(!kind) {
        return nullptr;
    }
    if(type == CKK_ML_DSA) {
        return std::make_unique<Botan::ML_DSA_PublicKey>(*value, Botan::ML_DSA_Mode(kind->parameter_set()));
    }
    return std::make_unique<Botan::SLH_DSA_PublicKey>(*value, Botan::SLH_DSA_Parameters::create(kind->parameter_set()));
}

/// A key that Botan made of DER: with the curve named, and no more than needed.
std::unique_ptr<Botan::Public_Key> checked(std::unique_ptr<Botan::Public_Key> key) {
    const auto* const ec = dynamic_cast<const Botan::EC_PublicKey*>(key.get());
    if(ec != nullptr && ec->domain().used_explicit_encoding()) {
        throw Error(Errc::unsupported, "a key object in the token does not name its curve: it has explicit parameters",
                    "import the key again with a named curve");
    }
    return key;
}

void add_der_octet_string(Template& out, CK_ATTRIBUTE_TYPE type, const Bytes& bytes) {
    Bytes der;
    Botan::DER_Encoder(der).encode(bytes, Botan::ASN1_Type::OctetString);
    out.add(type, der);
}

void add_point(Template& out, const Bytes& point, EcPointForm form) {
    if(form == EcPointForm::raw) {
        out.add(CKA_EC_POINT, point);
    } else {
        add_der_octet_string(out, CKA_EC_POINT, point);
    }
}

}  // namespace

std::unique_ptr<Botan::Public_Key> public_key_by_values(const Attributes& object) {
    return reading([&]() -> std::unique_ptr<Botan::Public_Key> {
        const auto type = object.number(CKA_KEY_TYPE).value_or(CK_UNAVAILABLE_INFORMATION);
        switch(type) {
            case CKK_RSA:
                return rsa_key(object);
            case CKK_EC:
            case CKK_EC_EDWARDS:
            case CKK_EC_MONTGOMERY:
                return ec_key(object, type);
            case CKK_ML_DSA:
            case CKK_SLH_DSA:
                return pqc_key(object, type);
            default:
                return nullptr;
        }
    });
}

std::unique_ptr<Botan::Public_Key> public_key_by_info(const Attributes& object) {
    const auto* const info = object.find_filled(CKA_PUBLIC_KEY_INFO);
    if(info == nullptr) {
        return nullptr;
    }
    return reading([&] {
        Botan::DataSource_Memory source(*info);
        return checked(Botan::X509::load_key(source));
    });
}

std::unique_ptr<Botan::Public_Key> public_key_of_certificate(const Attributes& object) {
    const auto* const der = object.find_filled(CKA_VALUE);
    if(der == nullptr) {
        return nullptr;
    }
    return reading([&] { return checked(Botan::X509_Certificate(*der).subject_public_key()); });
}

KeyObjectReader::KeyObjectReader(const Session& session, std::vector<CK_ATTRIBUTE_TYPE> also)
    : session_(&session), also_(std::move(also)) {
    also_.push_back(CKA_KEY_TYPE);
}

Attributes KeyObjectReader::read(CK_OBJECT_HANDLE object) {
    const auto types = [&](std::vector<CK_ATTRIBUTE_TYPE> all) {
        all.insert(all.end(), {expects_rsa_ ? CKA_MODULUS : CKA_EC_PARAMS, expects_rsa_ ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT});
        return all;
    };
    auto out = read_attributes(*session_, object, types(also_));
    const auto take = [&](std::span<const CK_ATTRIBUTE_TYPE> more) {
        const auto rest = read_attributes(*session_, object, more);
        for(const auto type : more) {
            if(const auto* const value = rest.find(type)) {
                out.set(type, *value);
            }
        }
    };
    if(const auto type = out.number(CKA_KEY_TYPE); type == CKK_ML_DSA || type == CKK_SLH_DSA) {
        constexpr std::array<CK_ATTRIBUTE_TYPE, 2> which{CKA_CLASS, CKA_PARAMETER_SET};
        take(which);
        if(out.number(CKA_CLASS) == CKO_PUBLIC_KEY) {  // what a private object has there is secret
            constexpr std::array<CK_ATTRIBUTE_TYPE, 1> value{CKA_VALUE};
            take(value);
        }
        return out;
    }
    if(const bool is_rsa = out.number(CKA_KEY_TYPE) == CKK_RSA; is_rsa != expects_rsa_) {
        expects_rsa_ = is_rsa;
        take(types({}));
    }
    return out;
}

std::unique_ptr<Botan::Public_Key> read_public_key(const Session& session, CK_OBJECT_HANDLE object) {
    return public_key_by_values(KeyObjectReader(session, {}).read(object));
}

CK_KEY_TYPE key_type_of(const KeySpec& spec) {
    switch(spec.type()) {
        case KeyType::rsa:
            return CKK_RSA;
        case KeyType::ec:
            return CKK_EC;
        case KeyType::ed25519:
        case KeyType::ed448:
            return CKK_EC_EDWARDS;
        case KeyType::x25519:
        case KeyType::x448:
            return CKK_EC_MONTGOMERY;
        case KeyType::ml_dsa:
            return CKK_ML_DSA;
        case KeyType::slh_dsa:
            return CKK_SLH_DSA;
        case KeyType::dsa:
            break;  // no backend offers to put one into a token
    }
    throw Error(Errc::internal, "a key of no known kind");
}

std::vector<std::uint8_t> ec_parameters(const KeySpec& spec) {
    const auto oid = Botan::OID::from_name([&]() -> std::string_view {
        switch(spec.type()) {
            case KeyType::ec:
                return spec.curve();
            case KeyType::ed25519:
                return "Ed25519";
            case KeyType::ed448:
                return "Ed448";
            case KeyType::x25519:
                return "X25519";
            case KeyType::x448:
                return "X448";
            default:
                throw Error(Errc::internal, "a key of type " + in_quotes(spec.to_string()) + " has no curve");
        }
    }());
    std::vector<std::uint8_t> der;
    Botan::DER_Encoder(der).encode(oid.value());
    return der;
}

void add_public_value(Template& out, const Botan::Public_Key& key, EcPointForm form) {
    const auto spec = KeySpec::of(key);
    if(const auto* const rsa = dynamic_cast<const Botan::RSA_PublicKey*>(&key)) {
        out.add(CKA_MODULUS, rsa->get_n().serialize<std::vector<std::uint8_t>>());
        out.add(CKA_PUBLIC_EXPONENT, rsa->get_e().serialize<std::vector<std::uint8_t>>());
        return;
    }
    if(spec.type() == KeyType::ml_dsa || spec.type() == KeyType::slh_dsa) {
        out.add_number(CKA_PARAMETER_SET, parameter_set_of(spec));
        out.add(CKA_VALUE, key.raw_public_key_bits());
        return;
    }
    out.add(CKA_EC_PARAMS, ec_parameters(spec));
    if(const auto* const ec = dynamic_cast<const Botan::EC_PublicKey*>(&key)) {
        // Through the point, as the key itself may be set to another encoding.
        const auto point = Botan::EC_AffinePoint::deserialize(ec->domain(), ec->raw_public_key_bits());
        add_point(out, point.value().serialize_uncompressed(), form);
        return;
    }
    add_point(out, key.raw_public_key_bits(), form);
}

}  // namespace keyway::pkcs11
