// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/key_spec.hpp>

#include <botan/ec_group.h>
#include <botan/ecc_key.h>
#include <botan/pk_keys.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace keyway {

namespace {

struct NamedKind {
    std::string_view name;  // Keyway's own
    KeyType type;
    std::size_t bits;
    std::string_view variant;                  // Botan's name of the curve or the parameter set
    std::array<std::string_view, 4> synonyms;  // without hyphens, lower case
};

constexpr std::array kinds{
    NamedKind{"p-192", KeyType::ec, 192, "secp192r1", {"p192", "secp192r1", "prime192v1", "nistp192"}},
    NamedKind{"p-224", KeyType::ec, 224, "secp224r1", {"p224", "secp224r1", "nistp224", ""}},
    NamedKind{"p-256", KeyType::ec, 256, "secp256r1", {"p256", "secp256r1", "prime256v1", "nistp256"}},
    NamedKind{"p-384", KeyType::ec, 384, "secp384r1", {"p384", "secp384r1", "nistp384", ""}},
    NamedKind{"p-521", KeyType::ec, 521, "secp521r1", {"p521", "secp521r1", "nistp521", ""}},
    NamedKind{"secp256k1", KeyType::ec, 256, "secp256k1", {"secp256k1", "", "", ""}},
    NamedKind{"brainpool-p256r1", KeyType::ec, 256, "brainpool256r1", {"brainpoolp256r1", "brainpool256r1", "", ""}},
    NamedKind{"brainpool-p384r1", KeyType::ec, 384, "brainpool384r1", {"brainpoolp384r1", "brainpool384r1", "", ""}},
    NamedKind{"brainpool-p512r1", KeyType::ec, 512, "brainpool512r1", {"brainpoolp512r1", "brainpool512r1", "", ""}},
    NamedKind{"ed25519", KeyType::ed25519, 255, "", {"ed25519", "", "", ""}},
    NamedKind{"ed448", KeyType::ed448, 448, "", {"ed448", "", "", ""}},
    NamedKind{"x25519", KeyType::x25519, 255, "", {"x25519", "curve25519", "", ""}},
    NamedKind{"x448", KeyType::x448, 448, "", {"x448", "curve448", "", ""}},
    NamedKind{"ml-dsa-44", KeyType::ml_dsa, 128, "ML-DSA-4x4", {"mldsa44", "mldsa4x4", "", ""}},
    NamedKind{"ml-dsa-65", KeyType::ml_dsa, 192, "ML-DSA-6x5", {"mldsa65", "mldsa6x5", "", ""}},
    NamedKind{"ml-dsa-87", KeyType::ml_dsa, 256, "ML-DSA-8x7", {"mldsa87", "mldsa8x7", "", ""}},
    NamedKind{"slh-dsa-sha2-128s", KeyType::slh_dsa, 128, "SLH-DSA-SHA2-128s", {"slhdsasha2128s", "", "", ""}},
    NamedKind{"slh-dsa-sha2-128f", KeyType::slh_dsa, 128, "SLH-DSA-SHA2-128f", {"slhdsasha2128f", "", "", ""}},
    NamedKind{"slh-dsa-sha2-192s", KeyType::slh_dsa, 192, "SLH-DSA-SHA2-192s", {"slhdsasha2192s", "", "", ""}},
    NamedKind{"slh-dsa-sha2-192f", KeyType::slh_dsa, 192, "SLH-DSA-SHA2-192f", {"slhdsasha2192f", "", "", ""}},
    NamedKind{"slh-dsa-sha2-256s", KeyType::slh_dsa, 256, "SLH-DSA-SHA2-256s", {"slhdsasha2256s", "", "", ""}},
    NamedKind{"slh-dsa-sha2-256f", KeyType::slh_dsa, 256, "SLH-DSA-SHA2-256f", {"slhdsasha2256f", "", "", ""}},
    NamedKind{"slh-dsa-shake-128s", KeyType::slh_dsa, 128, "SLH-DSA-SHAKE-128s", {"slhdsashake128s", "", "", ""}},
    NamedKind{"slh-dsa-shake-128f", KeyType::slh_dsa, 128, "SLH-DSA-SHAKE-128f", {"slhdsashake128f", "", "", ""}},
    NamedKind{"slh-dsa-shake-192s", KeyType::slh_dsa, 192, "SLH-DSA-SHAKE-192s", {"slhdsashake192s", "", "", ""}},
    NamedKind{"slh-dsa-shake-192f", KeyType::slh_dsa, 192, "SLH-DSA-SHAKE-192f", {"slhdsashake192f", "", "", ""}},
    NamedKind{"slh-dsa-shake-256s", KeyType::slh_dsa, 256, "SLH-DSA-SHAKE-256s", {"slhdsashake256s", "", "", ""}},
    NamedKind{"slh-dsa-shake-256f", KeyType::slh_dsa, 256, "SLH-DSA-SHAKE-256f", {"slhdsashake256f", "", "", ""}},
};

/// By Botan's names of the algorithms.
constexpr std::array fixed_kinds{
    std::pair{std::string_view("Ed25519"), KeyType::ed25519},
    std::pair{std::string_view("Ed448"), KeyType::ed448},
    std::pair{std::string_view("X25519"), KeyType::x25519},
    std::pair{std::string_view("X448"), KeyType::x448},
};

constexpr std::size_t smallest_rsa = 2048;
constexpr std::size_t largest_rsa = 16384;

std::string folded(std::string_view text) {
    std::string out;
    for(const char c : text) {
        if(c != '-' && c != '_' && c != ':' && c != ' ') {
            out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
    }
    return out;
}

Error unknown_kind(std::string_view text) {
    std::string list;
    for(const auto& name : KeySpec::known_names()) {
        list += (list.empty() ? "" : ", ") + name;
    }
    return {Errc::unsupported, "the key type " + in_quotes(text) + " is not known", "known are: " + list};
}

}  // namespace

KeySpec::KeySpec(KeyType type, std::size_t bits, std::string curve, std::string parameter_set)
    : type_(type), bits_(bits), curve_(std::move(curve)), parameter_set_(std::move(parameter_set)) {}

template <typename Kind>
KeySpec KeySpec::of_kind(const Kind& kind) {
    const std::string variant(kind.variant);
    return kind.type == KeyType::ec ? KeySpec(kind.type, kind.bits, variant) : KeySpec(kind.type, kind.bits, {}, variant);
}

KeySpec KeySpec::parse(std::string_view text) {
    const auto name = folded(text);
    for(const auto& kind : kinds) {
        if(std::ranges::find(kind.synonyms, name) != kind.synonyms.end() && !name.empty()) {
            return of_kind(kind);
        }
    }
    if(name.starts_with("rsa") || name.starts_with("dsa")) {
        std::size_t bits = 0;
        const auto* const end = name.data() + name.size();
        const auto result = std::from_chars(name.data() + 3, end, bits);
        if(result.ec == std::errc{} && result.ptr == end) {
            return name.starts_with("rsa") ? rsa(bits) : dsa(bits);
        }
    }
    throw unknown_kind(text);
}

KeySpec KeySpec::rsa(std::size_t bits) {
    if(bits < smallest_rsa || bits > largest_rsa || bits % 8 != 0) {
        throw Error(Errc::unsupported,
                    "an RSA key of " + std::to_string(bits) + " bits is not offered",
                    "use a multiple of 8 from 2048 to 16384; 3072 is a good choice");
    }
    return {KeyType::rsa, bits, {}};
}

KeySpec KeySpec::dsa(std::size_t bits) {
    constexpr std::size_t largest = 8192;
    if(bits < smallest_rsa || bits > largest || bits % 8 != 0) {
        throw Error(Errc::unsupported, "a DSA key of " + std::to_string(bits) + " bits is not offered",
                    "one of 2048 to 8192 bits, a multiple of 8, can be imported into files");
    }
    return {KeyType::dsa, bits, {}};
}

KeySpec KeySpec::of(const Botan::Public_Key& key) {
    const auto algorithm = key.algo_name();
    if(algorithm == "RSA") {
        return rsa(key.key_length());
    }
    if(algorithm == "DSA") {
        return dsa(key.key_length());
    }
    const auto named = [&](KeyType type, const auto& fits) -> const NamedKind* {
        const auto found = std::ranges::find_if(kinds, [&](const NamedKind& kind) { return kind.type == type && fits(kind); });
        return found == kinds.end() ? nullptr : &*found;
    };
    for(const auto& [name, type] : fixed_kinds) {
        if(algorithm == name) {
            return of_kind(*named(type, [](const NamedKind&) { return true; }));
        }
    }
    if(algorithm == "ML-DSA" || algorithm == "SLH-DSA") {
        const auto type = algorithm == "ML-DSA" ? KeyType::ml_dsa : KeyType::slh_dsa;
        const auto oid = key.object_identifier();
        if(const auto* const kind = named(type, [&](const NamedKind& one) { return oid == Botan::OID::from_name(one.variant); })) {
            return of_kind(*kind);
        }
    }
    if(const auto* const ec = dynamic_cast<const Botan::EC_PublicKey*>(&key); ec != nullptr && algorithm == "ECDSA") {
        const auto& oid = ec->domain().get_curve_oid();
        if(const auto* const kind =
               named(KeyType::ec, [&](const NamedKind& one) { return oid == Botan::OID::from_name(one.variant); })) {
            return of_kind(*kind);
        }
    }
    // A private key that lives elsewhere shows its curve only in its public half.
    if(const auto* const private_key = dynamic_cast<const Botan::Private_Key*>(&key);
       private_key != nullptr && algorithm == "ECDSA" && dynamic_cast<const Botan::EC_PublicKey*>(&key) == nullptr) {
        return of(*private_key->public_key());
    }
    throw unknown_kind(algorithm);
}

std::string KeySpec::to_string() const {
    if(type_ == KeyType::rsa) {
        return "rsa-" + std::to_string(bits_);
    }
    if(type_ == KeyType::dsa) {
        return "dsa-" + std::to_string(bits_);
    }
    for(const auto& kind : kinds) {
        if(kind.type == type_ && kind.variant == (type_ == KeyType::ec ? curve_ : parameter_set_)) {
            return std::string(kind.name);
        }
    }
    throw Error(Errc::internal, "a key of no known kind");
}

std::vector<std::string> KeySpec::known_names() {
    std::vector<std::string> names{"rsa-BITS"};
    for(const auto& kind : kinds) {
        names.emplace_back(kind.name);
    }
    return names;
}

}  // namespace keyway
