// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/signed_object_internal.hpp>

#include <keyway/x509/der_internal.hpp>

#include <keyway/core/error.hpp>

#include <botan/bigint.h>
#include <botan/numthry.h>
#include <botan/rng.h>
#include <botan/rsa.h>
#include <botan/x509_key.h>

#include <string>
#include <utility>

namespace keyway::x509 {

namespace {

constexpr std::size_t min_rsa_bits = 2048;
constexpr std::size_t min_curve_bits = 224;

Error weak_key(const std::string& algorithm, std::size_t bits, std::size_t least) {
    return {Errc::unsupported,
            "an " + algorithm + " key of " + std::to_string(bits) + " bits is too weak for certificates",
            "use at least " + std::to_string(least) + " bits"};
}

Botan::PK_Signer signer_for(const Botan::Private_Key& key, const SignatureScheme& scheme,
                            Botan::RandomNumberGenerator& rng) {
    try {
        return {key, rng, scheme.botan_padding(), scheme.format()};
    } catch(const Error&) {
        throw;
    } catch(const Botan::Exception& cause) {
        std::throw_with_nested(Error{Errc::unsupported, "the key cannot sign with the scheme " +
                                                            in_quotes(scheme.name()) + ": " + cause.what()});
    }
}

/// The algorithm as X.509 writes it: the PKCS#1 v1.5 schemes have NULL as parameters, where Botan has none.
/// @spec RFC 4055 5
Botan::AlgorithmIdentifier x509_algorithm(const Botan::PK_Signer& signer, const Botan::Public_Key& key) {
    const Botan::AlgorithmIdentifier identifier = signer.algorithm_identifier();
    if(key.algo_name() == "RSA" && identifier.parameters_are_empty()) {
        return {identifier.oid(), Botan::AlgorithmIdentifier::USE_NULL_PARAM};
    }
    return identifier;
}

}  // namespace

void put_extensions(Botan::DER_Encoder& out, const Extensions& extensions) {
    out.start_sequence();
    for(const Extension& extension : extensions) {
        out.start_sequence().encode(extension.oid);
        if(extension.criticality == Criticality::critical) {
            out.encode(true);
        }
        out.encode(extension.value, Botan::ASN1_Type::OctetString).end_cons();
    }
    out.end_cons();
}

void require_strong_key(const Botan::Public_Key& key) {
    const std::string algorithm = key.algo_name();
    const std::size_t bits = key.key_length();
    if((algorithm == "RSA" || algorithm == "DSA") && bits < min_rsa_bits) {
        throw weak_key(algorithm, bits, min_rsa_bits);
    }
    if(algorithm == "ECDSA") {
        if(bits < min_curve_bits) {
            throw weak_key(algorithm, bits, min_curve_bits);
        }
        // RFC 5480 2.1.1: the parameters are the name of a curve, never its equation.
        constexpr std::uint8_t object_identifier_tag = 0x06;
        const Botan::AlgorithmIdentifier identifier = key.algorithm_identifier();
        if(identifier.parameters().empty() || identifier.parameters().front() != object_identifier_tag) {
            throw Error{Errc::unsupported, "an ECDSA key does not name its curve",
                        "write the key with a named curve instead of explicit parameters"};
        }
    }
}

void require_certifiable_key(const Botan::Public_Key& key) {
    require_strong_key(key);
    if(key.algo_name() != "RSA") {
        return;
    }
    constexpr std::uint32_t least_exponent = 65537;
    // by way of its encoding, because a key in a token tells its numbers in no other way
    const auto numbers = Botan::X509::load_key(key.subject_public_key());
    const Botan::BigInt& modulus = numbers->get_int_field("n");
    const Botan::BigInt& exponent = numbers->get_int_field("e");
    if(exponent < least_exponent || exponent.is_even()) {
        throw Error{Errc::unsupported,
                    "an RSA key with the public exponent " +
                        (exponent.bits() <= 32 ? exponent.to_dec_string() : std::string("that is even")) +
                        " is too weak for certificates",
                    "make the key with the exponent 65537"};
    }
    // Fermat's test: whatever passes for a prime here is no product of two large ones
    if(modulus.is_even() || Botan::power_mod(Botan::BigInt::from_word(2), modulus - 1, modulus) == 1) {
        throw Error{Errc::unsupported, "an RSA key has a modulus that is not the product of two odd primes",
                    "make a new key: this one protects nothing"};
    }
}

ObjectSigner::ObjectSigner(const Botan::Private_Key& key, std::unique_ptr<Botan::Public_Key> public_key,
                           const SignatureScheme& scheme, Botan::RandomNumberGenerator& rng)
    : public_key_(std::move(public_key)),
      signer_(signer_for(key, scheme, rng)),
      algorithm_(x509_algorithm(signer_, *public_key_)),
      verifier_(*public_key_, algorithm_) {}

std::vector<std::uint8_t> ObjectSigner::sign(std::span<const std::uint8_t> to_be_signed,
                                             Botan::RandomNumberGenerator& rng) {
    const std::vector<std::uint8_t> signature = signer_.sign_message(to_be_signed, rng);
    if(!verifier_.verify_message(to_be_signed, signature)) {
        throw Error{Errc::verification_failed, "a signature just made does not verify with the public key",
                    "nothing was issued; the private key may be damaged, or not the one of the certificate"};
    }
    return der_of([&](Botan::DER_Encoder& out) {
        out.start_sequence()
            .raw_bytes(to_be_signed)
            .encode(algorithm_)
            .encode(signature, Botan::ASN1_Type::BitString)
            .end_cons();
    });
}

}  // namespace keyway::x509
