// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/signature_scheme.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace keyway {

namespace {

struct Hash {
    std::string_view compact;  ///< lower case, without the dashes that people put in or leave out
    std::string_view botan;
    std::string_view name;  ///< as it stands in the names of schemes
    std::size_t octets;
};

constexpr std::array hashes{
    Hash{"sha224", "SHA-224", "sha224", 28},       Hash{"sha256", "SHA-256", "sha256", 32},
    Hash{"sha384", "SHA-384", "sha384", 48},       Hash{"sha512", "SHA-512", "sha512", 64},
    Hash{"sha3224", "SHA-3(224)", "sha3-224", 28}, Hash{"sha3256", "SHA-3(256)", "sha3-256", 32},
    Hash{"sha3384", "SHA-3(384)", "sha3-384", 48}, Hash{"sha3512", "SHA-3(512)", "sha3-512", 64},
};

constexpr std::string_view hash_hint =
    "use sha224, sha256, sha384, sha512, sha3-224, sha3-256, sha3-384 or sha3-512";

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

/// "SHA-3(256)", "sha3-256" and "SHA3_256" are one hash.
std::string compact(std::string_view text) {
    std::string out = lower(text);
    std::erase_if(out, [](char c) { return c == '-' || c == '_' || c == '(' || c == ')'; });
    return out;
}

Error unknown_hash(std::string_view text) {
    return {Errc::invalid_argument, "unknown hash " + in_quotes(text), std::string(hash_hint)};
}

Error weak_hash(std::string_view text) {
    return {Errc::unsupported, "hash " + in_quotes(text) + " is too weak to sign with",
            std::string(hash_hint)};
}

Error takes_no_hash(std::string_view algorithm, std::string_view hash) {
    return {Errc::unsupported,
            "an " + std::string(algorithm) + " key cannot sign with the hash " + in_quotes(hash),
            std::string(algorithm) + " hashes in its own way: leave the hash out"};
}

Error takes_no_padding(std::string_view algorithm) {
    return {Errc::unsupported, "an RSA padding was asked for, but the key is of type " + in_quotes(algorithm),
            "leave the padding out"};
}

Error cannot_sign(std::string_view algorithm) {
    if(algorithm == "X25519" || algorithm == "X448") {
        return {Errc::unsupported, "a key of type " + in_quotes(algorithm) + " cannot sign",
                "it agrees on secrets with other keys of its type, and does nothing else"};
    }
    return {Errc::unsupported, "a key of type " + in_quotes(algorithm) + " cannot sign",
            "use an RSA, ECDSA, Ed25519, Ed448, ML-DSA or SLH-DSA key"};
}

const Hash& find_hash(std::string_view text) {
    const std::string wanted = compact(text);
    if(wanted == "md5" || wanted == "sha1" || wanted == "sha160") {
        throw weak_hash(text);
    }
    const auto found =
        std::find_if(hashes.begin(), hashes.end(), [&](const Hash& hash) { return hash.compact == wanted; });
    if(found == hashes.end()) {
        throw unknown_hash(text);
    }
    return *found;
}

/// The hash whose strength is the curve's own. @spec RFC 5480 4
std::string_view hash_of_curve(std::size_t bits) {
    if(bits <= 256) {
        return "sha256";
    }
    return bits <= 384 ? "sha384" : "sha512";
}

bool hashes_by_itself(std::string_view algorithm) {
    return algorithm == "Ed25519" || algorithm == "Ed448" || algorithm == "ML-DSA" || algorithm == "SLH-DSA";
}

std::optional<RsaPadding> padding_of(std::string_view text) {
    if(text == "pss") {
        return RsaPadding::pss;
    }
    if(text == "pkcs1v15" || text == "pkcs1") {
        return RsaPadding::pkcs1v15;
    }
    return std::nullopt;
}

}  // namespace

SignatureScheme::SignatureScheme(std::string name, std::string padding, std::string hash,
                                 Botan::Signature_Format format)
    : name_(std::move(name)), padding_(std::move(padding)), hash_(std::move(hash)), format_(format) {}

SignatureScheme choose_scheme(const Botan::Public_Key& key, const SignatureWish& wish) {
    const std::string algorithm = key.algo_name();

    if(algorithm == "RSA") {
        const Hash& hash = find_hash(wish.hash.value_or("sha256"));
        const std::string botan_hash(hash.botan);
        if(wish.rsa_padding.value_or(RsaPadding::pkcs1v15) == RsaPadding::pss) {
            return {"rsa-pss-" + std::string(hash.name),
                    "PSS(" + botan_hash + ",MGF1," + std::to_string(hash.octets) + ")", botan_hash,
                    Botan::Signature_Format::Standard};
        }
        return {"rsa-pkcs1v15-" + std::string(hash.name), "PKCS1v15(" + botan_hash + ")", botan_hash,
                Botan::Signature_Format::Standard};
    }

    if(wish.rsa_padding) {
        throw takes_no_padding(algorithm);
    }

    if(algorithm == "ECDSA" || algorithm == "DSA") {
        const std::string_view usual = algorithm == "ECDSA" ? hash_of_curve(key.key_length()) : "sha256";
        const Hash& hash = find_hash(wish.hash ? std::string_view(*wish.hash) : usual);
        return {lower(algorithm) + "-" + std::string(hash.name), std::string(hash.botan),
                std::string(hash.botan), Botan::Signature_Format::DerSequence};
    }

    if(hashes_by_itself(algorithm)) {
        if(wish.hash) {
            throw takes_no_hash(algorithm, *wish.hash);
        }
        const bool eddsa = algorithm.starts_with("Ed");
        return {lower(algorithm), eddsa ? "Pure" : "", "", Botan::Signature_Format::Standard};
    }

    throw cannot_sign(algorithm);
}

SignatureWish parse_signature_wish(std::string_view text) {
    const std::string lowered = lower(text);
    std::string_view rest = lowered;
    const bool names_rsa = rest.starts_with("rsa-");
    if(names_rsa) {
        rest.remove_prefix(4);
    }

    SignatureWish wish;
    const std::size_t dash = rest.find('-');
    wish.rsa_padding = padding_of(rest.substr(0, dash));
    if(wish.rsa_padding) {
        if(dash != std::string_view::npos) {
            wish.hash = canonical_hash_name(rest.substr(dash + 1));
        }
        return wish;
    }
    if(names_rsa) {
        throw Error{Errc::invalid_argument, "unknown signature scheme " + in_quotes(text),
                    "name a padding after \"rsa-\": rsa-pss-sha256 or rsa-pkcs1v15-sha256"};
    }
    wish.hash = canonical_hash_name(rest);
    return wish;
}

std::string canonical_hash_name(std::string_view text) {
    return std::string(find_hash(text).botan);
}

}  // namespace keyway
