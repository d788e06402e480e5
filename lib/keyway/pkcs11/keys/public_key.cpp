// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/keys/public_key_internal.hpp>

#include <botan/ber_dec.h>
#include <botan/bigint.h>
#include <botan/der_enc.h>
#include <botan/ec_apoint.h>
#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/ed25519.h>
#include <botan/ed448.h>
#include <botan/rsa.h>

#include <span>

namespace keyway::pkcs11 {

namespace {

constexpr std::size_t ed25519_bytes = 32;
constexpr std::size_t ed448_bytes = 57;

Error malformed(const std::string& why) {
    return {Errc::malformed_data, "a public key object in the token is damaged: " + why,
            "the object was written by a program that encodes keys otherwise; remove it or import it again"};
}

std::vector<std::uint8_t> required(const Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    auto value = read_attribute(session, object, type);
    if(!value || value->empty()) {
        throw malformed("it lacks an attribute");
    }
    return std::move(*value);
}

/// The point inside a DER OCTET STRING, or nothing when the bytes are not exactly one.
std::optional<std::vector<std::uint8_t>> unwrapped(std::span<const std::uint8_t> bytes) {
    try {
        std::vector<std::uint8_t> inside;
        Botan::BER_Decoder(bytes).decode(inside, Botan::ASN1_Type::OctetString).verify_end();
        return inside;
    } catch(const Botan::Decoding_Error&) {
        return std::nullopt;
    }
}

std::unique_ptr<Botan::Public_Key> read_rsa(const Session& session, CK_OBJECT_HANDLE object) {
    const auto modulus = required(session, object, CKA_MODULUS);
    const auto exponent = required(session, object, CKA_PUBLIC_EXPONENT);
    return std::make_unique<Botan::RSA_PublicKey>(Botan::BigInt::from_bytes(modulus),
                                                  Botan::BigInt::from_bytes(exponent));
}

std::unique_ptr<Botan::Public_Key> read_ec(const Session& session, CK_OBJECT_HANDLE object) {
    Botan::OID curve;
    Botan::BER_Decoder(required(session, object, CKA_EC_PARAMS)).decode(curve).verify_end();
    if(!Botan::EC_Group::supports_named_group(curve.human_name_or_empty())) {
        return nullptr;
    }
    const auto group = Botan::EC_Group::from_OID(curve);
    const auto raw = required(session, object, CKA_EC_POINT);
    // A bare uncompressed point begins with 4 as an OCTET STRING does; what parses as a whole OCTET STRING holding a
    // point is one, as no bare point of a known curve has the length that this needs.
    if(const auto inside = unwrapped(raw)) {
        if(const auto point = Botan::EC_AffinePoint::deserialize(group, *inside)) {
            return std::make_unique<Botan::ECDSA_PublicKey>(group, *point);
        }
    }
    if(const auto point = Botan::EC_AffinePoint::deserialize(group, raw)) {
        return std::make_unique<Botan::ECDSA_PublicKey>(group, *point);
    }
    throw malformed("CKA_EC_POINT is no point of its curve");
}

std::unique_ptr<Botan::Public_Key> read_edwards(const Session& session, CK_OBJECT_HANDLE object) {
    auto point = required(session, object, CKA_EC_POINT);
    if(point.size() != ed25519_bytes && point.size() != ed448_bytes) {
        if(auto inside = unwrapped(point)) {
            point = std::move(*inside);
        }
    }
    if(point.size() == ed25519_bytes) {
        return std::make_unique<Botan::Ed25519_PublicKey>(point);
    }
    if(point.size() == ed448_bytes) {
        return std::make_unique<Botan::Ed448_PublicKey>(point);
    }
    throw malformed("CKA_EC_POINT has " + std::to_string(point.size()) + " bytes");
}

void add_der_octet_string(Template& out, CK_ATTRIBUTE_TYPE type, const std::vector<std::uint8_t>& bytes) {
    std::vector<std::uint8_t> der;
    Botan::DER_Encoder(der).encode(bytes, Botan::ASN1_Type::OctetString);
    out.add(type, der);
}

}  // namespace

std::unique_ptr<Botan::Public_Key> read_public_key(const Session& session, CK_OBJECT_HANDLE object) {
    const auto type = read_number(session, object, CKA_KEY_TYPE);
    try {
        switch(type.value_or(CK_UNAVAILABLE_INFORMATION)) {
            case CKK_RSA:
                return read_rsa(session, object);
            case CKK_EC:
                return read_ec(session, object);
            case CKK_EC_EDWARDS:
                return read_edwards(session, object);
            default:
                return nullptr;
        }
    } catch(const Error&) {
        throw;
    } catch(const Botan::Exception& error) {
        throw malformed(error.what());
    }
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
    }
    throw Error(Errc::internal, "a key of no known kind");
}

std::vector<std::uint8_t> ec_parameters(const KeySpec& spec) {
    const auto oid = spec.type() == KeyType::ec ? Botan::OID::from_name(spec.curve())
                                                : Botan::OID::from_name(spec.type() == KeyType::ed448 ? "Ed448" : "Ed25519");
    std::vector<std::uint8_t> der;
    Botan::DER_Encoder(der).encode(oid.value());
    return der;
}

void add_public_value(Template& out, const Botan::Public_Key& key) {
    const auto spec = KeySpec::of(key);
    if(const auto* const rsa = dynamic_cast<const Botan::RSA_PublicKey*>(&key)) {
        out.add(CKA_MODULUS, rsa->get_n().serialize<std::vector<std::uint8_t>>());
        out.add(CKA_PUBLIC_EXPONENT, rsa->get_e().serialize<std::vector<std::uint8_t>>());
        return;
    }
    out.add(CKA_EC_PARAMS, ec_parameters(spec));
    if(const auto* const ec = dynamic_cast<const Botan::EC_PublicKey*>(&key)) {
        // Through the point, as the key itself may be set to another encoding.
        const auto point = Botan::EC_AffinePoint::deserialize(ec->domain(), ec->raw_public_key_bits());
        add_der_octet_string(out, CKA_EC_POINT, point.value().serialize_uncompressed());
        return;
    }
    add_der_octet_string(out, CKA_EC_POINT, key.raw_public_key_bits());
}

}  // namespace keyway::pkcs11
