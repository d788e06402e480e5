// SPDX-License-Identifier: BSD-2-Clause
// Public keys from the attributes that tokens keep, in every form seen in the wild, and in none.
#include <support/raises.hpp>

#include <keyway/key/spki_fingerprint.hpp>
#include <keyway/pkcs11/keys/curve_internal.hpp>
#include <keyway/pkcs11/keys/public_key_internal.hpp>

#include <botan/der_enc.h>
#include <botan/ec_apoint.h>
#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/ed25519.h>
#include <botan/ed448.h>
#include <botan/hex.h>
#include <botan/rsa.h>
#include <botan/system_rng.h>
#include <botan/x509_key.h>
#include <botan/x509cert.h>
#include <botan/x509self.h>

#include <algorithm>
#include <cstring>
#include <random>

using namespace keyway;
using namespace keyway::pkcs11;

namespace {

using Bytes = std::vector<std::uint8_t>;

auto& rng() {
    return Botan::system_rng();
}

Bytes number(CK_ULONG value) {
    Bytes out(sizeof(value));
    std::memcpy(out.data(), &value, sizeof(value));
    return out;
}

Bytes oid(std::string_view text) {
    Bytes der;
    Botan::DER_Encoder(der).encode(Botan::OID(text));
    return der;
}

Bytes named(std::string_view name) {
    Bytes der(2 + name.size());
    der[0] = 0x13;
    der[1] = static_cast<std::uint8_t>(name.size());
    std::ranges::copy(name, der.begin() + 2);
    return der;
}

Bytes wrapped(const Bytes& bytes, Botan::ASN1_Type type) {
    Bytes der;
    Botan::DER_Encoder(der).encode(bytes, type);
    return der;
}

using Values = std::vector<std::pair<CK_ATTRIBUTE_TYPE, Bytes>>;

Attributes object(const Values& values) {
    Attributes out;
    for(const auto& [type, value] : values) {
        out.set(type, value);
    }
    return out;
}

Values ec_object(CK_KEY_TYPE type, const Bytes& parameters, const Bytes& point) {
    return {{CKA_KEY_TYPE, number(type)}, {CKA_EC_PARAMS, parameters}, {CKA_EC_POINT, point}};
}

bool reads(const Values& values, const Botan::Public_Key& key) {
    const auto read = public_key_by_values(object(values));
    return read && SpkiFingerprint::of(*read) == SpkiFingerprint::of(key);
}

}  // namespace

TEST_CASE("an EC point is read bare, wrapped, compressed or not") {
    for(const auto* name : {"secp256r1", "secp384r1", "secp521r1", "secp256k1", "brainpool256r1"}) {
        INFO(name);
        const Botan::ECDSA_PrivateKey key(rng(), Botan::EC_Group::from_name(name));
        const auto point = Botan::EC_AffinePoint::deserialize(key.domain(), key.raw_public_key_bits()).value();
        const auto parameters = key.DER_domain();
        for(const auto& encoded : {point.serialize_uncompressed(), point.serialize_compressed()}) {
            CHECK(reads(ec_object(CKK_EC, parameters, encoded), key));
            CHECK(reads(ec_object(CKK_EC, parameters, wrapped(encoded, Botan::ASN1_Type::OctetString)), key));
        }
    }
}

TEST_CASE("an Edwards point is read bare, in an OCTET STRING or a BIT STRING, under every name of its curve") {
    const Botan::Ed25519_PrivateKey key(rng());
    const auto point = key.raw_public_key_bits();
    for(const auto& parameters : {oid("1.3.101.112"), oid("1.3.6.1.4.1.11591.15.1"), named("edwards25519"), Bytes{}}) {
        for(const auto& encoded : {point, wrapped(point, Botan::ASN1_Type::OctetString),
                                   wrapped(point, Botan::ASN1_Type::BitString)}) {
            CHECK(reads(ec_object(CKK_EC_EDWARDS, parameters, encoded), key));
        }
    }
    // Some tokens know no other key type for curves.
    CHECK(reads(ec_object(CKK_EC, oid("1.3.101.112"), point), key));

    const Botan::Ed448_PrivateKey other(rng());
    for(const auto& parameters : {oid("1.3.101.113"), named("edwards448"), Bytes{}}) {
        CHECK(reads(ec_object(CKK_EC_EDWARDS, parameters, other.raw_public_key_bits()), other));
    }
    CHECK_RAISES(reads(ec_object(CKK_EC_EDWARDS, oid("1.3.101.113"), point), key), Errc::malformed_data);
}

TEST_CASE("a curve is known by OID and by name") {
    for(const auto& [name, curve] : {std::pair("secp256r1", "secp256r1"), std::pair("prime256v1", "secp256r1"),
                                     std::pair("P-256", "secp256r1"), std::pair("P-384", "secp384r1"),
                                     std::pair("nistp521", "secp521r1"), std::pair("secp256k1", "secp256k1"),
                                     std::pair("brainpoolP256r1", "brainpool256r1")}) {
        INFO(name);
        const auto read = read_curve(named(name));
        REQUIRE(std::holds_alternative<Botan::EC_Group>(read));
        CHECK(std::get<Botan::EC_Group>(read) == Botan::EC_Group::from_name(curve));
    }
    for(const auto& [parameters, curve] :
        {std::pair(named("edwards25519"), FixedCurve::ed25519), std::pair(named("Ed448"), FixedCurve::ed448),
         std::pair(named("curve25519"), FixedCurve::x25519), std::pair(named("X448"), FixedCurve::x448),
         std::pair(oid("1.3.101.110"), FixedCurve::x25519), std::pair(oid("1.3.6.1.4.1.3029.1.5.1"), FixedCurve::x25519),
         std::pair(oid("1.3.101.111"), FixedCurve::x448)}) {
        const auto read = read_curve(parameters);
        REQUIRE(std::holds_alternative<FixedCurve>(read));
        CHECK(std::get<FixedCurve>(read) == curve);
    }
    for(const auto& other : {named(""), named("rsa-2048"), named("wei25519"), oid("1.2.3.4")}) {
        CHECK(std::holds_alternative<OtherCurve>(read_curve(other)));
    }
    const auto explicit_form = Botan::EC_Group::from_name("secp256r1").DER_encode(Botan::EC_Group_Encoding::Explicit);
    CHECK_RAISES(read_curve(explicit_form), Errc::unsupported);
    CHECK_RAISES(read_curve(Bytes{5, 0}), Errc::unsupported);
    for(const auto& bad : {Bytes{}, Bytes{6}, Bytes{6, 1}, Bytes{6, 0}, Bytes{0x13, 5, 'a'}, Bytes{0x13, 1, 'a', 0}, Bytes{4, 1, 1}}) {
        INFO(Botan::hex_encode(bad));
        CHECK_RAISES(read_curve(bad), Errc::malformed_data);
    }
}

TEST_CASE("a point at infinity, or one that is on no curve, is no key") {
    const auto parameters = Botan::EC_Group::from_name("secp256r1").DER_encode(Botan::EC_Group_Encoding::NamedCurve);
    Bytes off_curve(65, 1);
    off_curve[0] = 4;
    for(const auto& point : {Bytes{0}, Bytes{4, 1, 0}, off_curve, Bytes(65, 0), Bytes{2}}) {
        INFO(Botan::hex_encode(point));
        CHECK_RAISES(reads(ec_object(CKK_EC, parameters, point), Botan::Ed25519_PrivateKey(rng())), Errc::malformed_data);
    }
}

TEST_CASE("values that are changed in any way make a key, no key or an error, and nothing else") {
    const Botan::RSA_PrivateKey rsa(rng(), 1024);
    const Botan::ECDSA_PrivateKey ec(rng(), Botan::EC_Group::from_name("secp256r1"));
    const Botan::Ed25519_PrivateKey ed(rng());
    const auto certificate =
        Botan::X509::create_self_signed_cert(Botan::X509_Cert_Options("x"), ec, "SHA-256", rng()).BER_encode();
    const std::vector<Values> objects{
        {{CKA_KEY_TYPE, number(CKK_RSA)},
         {CKA_MODULUS, rsa.get_n().serialize<Bytes>()},
         {CKA_PUBLIC_EXPONENT, rsa.get_e().serialize<Bytes>()},
         {CKA_PUBLIC_KEY_INFO, rsa.subject_public_key()}},
        ec_object(CKK_EC, ec.DER_domain(), wrapped(ec.raw_public_key_bits(), Botan::ASN1_Type::OctetString)),
        ec_object(CKK_EC, named("secp256r1"), ec.raw_public_key_bits()),
        ec_object(CKK_EC_EDWARDS, oid("1.3.101.112"), wrapped(ed.raw_public_key_bits(), Botan::ASN1_Type::BitString)),
        {{CKA_PUBLIC_KEY_INFO, ec.subject_public_key()}},
        {{CKA_PUBLIC_KEY_INFO, ed.subject_public_key()}},
        {{CKA_VALUE, certificate}},
    };
    std::mt19937 random(4711);
    std::size_t keys = 0;
    std::size_t errors = 0;
    const auto try_all = [&](const Values& values) {
        const auto attributes = object(values);
        for(auto* const read : {&public_key_by_values, &public_key_by_info, &public_key_of_certificate}) {
            try {
                if(const auto key = read(attributes)) {
                    ++keys;
                    static_cast<void>(SpkiFingerprint::of(*key));
                }
            } catch(const Error& error) {
                CHECK((error.code() == Errc::malformed_data || error.code() == Errc::unsupported));
                ++errors;
            }
        }
    };
    for(const auto& whole : objects) {
        for(std::size_t which = 0; which < whole.size(); ++which) {
            const auto size = whole[which].second.size();
            for(std::size_t length = 0; length <= size; ++length) {  // cut off, and cut off in front
                auto changed = whole;
                changed[which].second.resize(length);
                try_all(changed);
                changed[which].second.assign(whole[which].second.end() - static_cast<std::ptrdiff_t>(length),
                                             whole[which].second.end());
                try_all(changed);
            }
            for(int round = 0; round < 300; ++round) {  // a few bytes replaced
                auto changed = whole;
                for(auto times = 1 + random() % 3; times > 0 && size > 0; --times) {
                    changed[which].second[random() % size] = static_cast<std::uint8_t>(random());
                }
                try_all(changed);
            }
            auto changed = whole;  // more behind it
            changed[which].second.resize(size + 70'000, 0xff);
            try_all(changed);
        }
    }
    CHECK(keys > 100);
    CHECK(errors > 1000);
}
