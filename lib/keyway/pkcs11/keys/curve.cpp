// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/key_spec.hpp>
#include <keyway/pkcs11/keys/curve_internal.hpp>

#include <botan/asn1_obj.h>
#include <botan/ber_dec.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace keyway::pkcs11 {

namespace {

struct KnownFixedCurve {
    FixedCurve curve;
    std::string_view oid;
    std::string_view other_oid;          // from before RFC 8410: GnuPG's, which OpenSC and others use
    std::array<std::string_view, 3> names;  // lower case, without hyphens
};

constexpr std::array fixed_curves{
    KnownFixedCurve{FixedCurve::ed25519, "1.3.101.112", "1.3.6.1.4.1.11591.15.1", {"edwards25519", "ed25519", ""}},
    KnownFixedCurve{FixedCurve::ed448, "1.3.101.113", "", {"edwards448", "ed448", ""}},
    KnownFixedCurve{FixedCurve::x25519, "1.3.101.110", "1.3.6.1.4.1.3029.1.5.1", {"curve25519", "x25519", "montgomery25519"}},
    KnownFixedCurve{FixedCurve::x448, "1.3.101.111", "", {"curve448", "x448", "montgomery448"}},
};

Curve curve_of(const Botan::OID& oid) {
    const auto text = oid.to_string();
    for(const auto& known : fixed_curves) {
        if(text == known.oid || text == known.other_oid) {
            return known.curve;
        }
    }
    if(!Botan::EC_Group::supports_named_group(oid.human_name_or_empty())) {
        return OtherCurve{};
    }
    return Botan::EC_Group::from_OID(oid);
}

Curve curve_named(std::string_view name) {
    std::string folded;
    for(const char c : name) {
        if(c != '-' && c != '_' && c != ' ') {
            folded += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
    }
    for(const auto& known : fixed_curves) {
        if(!folded.empty() && std::ranges::find(known.names, folded) != known.names.end()) {
            return known.curve;
        }
    }
    try {
        if(const auto spec = KeySpec::parse(name); spec.type() == KeyType::ec) {
            return Botan::EC_Group::from_name(spec.curve());
        }
    } catch(const Error& error) {
        if(error.code() != Errc::unsupported) {
            throw;
        }
    }
    return OtherCurve{};
}

Error unnamed(std::string_view how) {
    return {Errc::unsupported,
            "a key object in the token does not name its curve: CKA_EC_PARAMS has " + std::string(how) + " parameters",
            "a curve that is not named cannot be trusted to be the one it looks like; import the key again with a named "
            "curve"};
}

}  // namespace

Curve read_curve(std::span<const std::uint8_t> parameters) {
    constexpr std::uint8_t sequence = 0x30;
    constexpr std::uint8_t null = 0x05;
    constexpr std::uint8_t object_identifier = 0x06;
    const auto tag = parameters.empty() ? std::uint8_t{0} : parameters.front();
    if(tag == sequence) {
        throw unnamed("explicit");
    }
    if(tag == null) {
        throw unnamed("implicit");
    }
    try {
        Botan::BER_Decoder decoder(parameters);
        if(tag == object_identifier) {
            Botan::OID oid;
            decoder.decode(oid).verify_end();
            return curve_of(oid);
        }
        Botan::ASN1_String name;
        decoder.decode(name).verify_end();
        return curve_named(name.value());
    } catch(const Error&) {
        throw;
    } catch(const Botan::Exception& error) {
        throw Error(Errc::malformed_data,
                    std::string("a key object in the token is damaged: CKA_EC_PARAMS names no curve: ") + error.what(),
                    "the object was written by a program that encodes keys otherwise; remove it or import it again");
    }
}

}  // namespace keyway::pkcs11
