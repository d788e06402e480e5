// SPDX-License-Identifier: BSD-2-Clause
#include <contract/lacks.hpp>

#include <string>
#include <utility>

namespace keyway::contract {

namespace {

// Kinds that hardly a module which can be installed has; the mock module of PKCS#11 3.2 does: tests/backends/hsm/test_hsm_pkcs11_3.cpp.
constexpr std::string_view newest_kinds =
    "x25519 x448 ml-dsa-44 ml-dsa-65 ml-dsa-87 slh-dsa-sha2-128s slh-dsa-sha2-128f slh-dsa-sha2-192s slh-dsa-sha2-192f "
    "slh-dsa-sha2-256s slh-dsa-sha2-256f slh-dsa-shake-128s slh-dsa-shake-128f slh-dsa-shake-192s slh-dsa-shake-192f "
    "slh-dsa-shake-256s slh-dsa-shake-256f";

constexpr auto post_quantum = newest_kinds.substr(newest_kinds.find("ml-dsa-44"));
constexpr std::string_view newest_kinds_but_x25519 = newest_kinds.substr(newest_kinds.find(' ') + 1);

// Measured with 3.87: such a key is made and derives, with a point of 32 bare bytes.
constexpr std::string_view own_form_of_x25519 =
    "it has no CKM_EC_MONTGOMERY_KEY_PAIR_GEN; it makes such keys as CKK_EC on a curve of its own object identifier "
    "(1.3.6.1.4.1.11591.15.1), which is not PKCS#11's form of them";

constexpr Lack lacks[] = {
    {"softhsm2", "create", newest_kinds, "it has no mechanism for them", ""},
    {"softhsm2", "store", newest_kinds, "it has no mechanism for them", ""},

    {"nss-softokn", "create", "x25519", own_form_of_x25519, ""},
    {"nss-softokn", "store", "x25519", own_form_of_x25519, ""},
    {"nss-softokn", "create", newest_kinds_but_x25519, "it has no mechanism for them", ""},
    {"nss-softokn", "store", newest_kinds_but_x25519, "it has no mechanism for them", ""},
    {"nss-softokn", "create", "p-192 p-224 secp256k1 brainpool-p256r1 brainpool-p384r1 brainpool-p512r1",
     "the module knows the curves P-256, P-384 and P-521 only", ""},
    {"nss-softokn", "store", "p-192 p-224 secp256k1 brainpool-p256r1 brainpool-p384r1 brainpool-p512r1",
     "the module knows the curves P-256, P-384 and P-521 only", ""},
    {"nss-softokn", "create", "ed25519", "older ones have no Edwards curve", "3.99"},
    {"nss-softokn", "store", "ed25519", "older ones have no Edwards curve", "3.99"},
    {"nss-softokn", "create", "ed448", "of the Edwards curves the module knows Ed25519 only", ""},
    {"nss-softokn", "store", "ed448", "of the Edwards curves the module knows Ed25519 only", ""},

    {"opencryptoki", "create", post_quantum, "it needs OpenSSL 3.5 for ML-DSA, and has no SLH-DSA", ""},
    {"opencryptoki", "store", post_quantum, "it needs OpenSSL 3.5 for ML-DSA, and has no SLH-DSA", ""},
    {"opencryptoki", "create", "ed25519 ed448 x25519 x448", "older soft tokens have no such curves", "3.27"},
    {"opencryptoki", "store", "ed25519 ed448 x25519 x448", "older soft tokens have no such curves", "3.27"},

    {"tpm2-pkcs11", "create", "rsa-4096", "the TPM makes RSA keys of 2,048 and 3,072 bits; C_GetMechanismInfo tells it", ""},
    {"tpm2-pkcs11", "create", "p-192 p-224 secp256k1 brainpool-p256r1 brainpool-p384r1 brainpool-p512r1",
     "the TPM, or the module, does not know the curve", ""},
    {"tpm2-pkcs11", "create", "p-521", "the key is made, and C_SignInit with it answers CKR_HOST_MEMORY", ""},
    {"tpm2-pkcs11", "create", "ed25519 ed448", "the TPM has no Edwards curve", ""},
    {"tpm2-pkcs11", "store",
     "rsa-2048 rsa-3072 rsa-4096 p-192 p-224 p-256 p-384 p-521 secp256k1 brainpool-p256r1 brainpool-p384r1 "
     "brainpool-p512r1 ed25519 ed448",
     "C_CreateObject takes no private keys; `tpm2_ptool import` does, and `keyway key adopt` takes such a key in", ""},
    {"tpm2-pkcs11", "create", newest_kinds, "it has no mechanism for them", ""},
    {"tpm2-pkcs11", "store", newest_kinds, "it has no mechanism for them", ""},
    {"tpm2-pkcs11", "sign", "PSS(SHA-512,MGF1,20)", "the TPM's salt is as long as the hash", ""},
};

/// Numbers as in 3.110, which comes after 3.87.
std::pair<int, int> numbers_of(std::string_view version) {
    const std::string text(version);
    return {std::stoi(text), std::stoi(text.substr(text.find('.') + 1))};
}

bool has_name(std::string_view names, std::string_view name) {
    while(!names.empty()) {
        const auto end = names.find(' ');
        if(names.substr(0, end) == name) {
            return true;
        }
        names = end == std::string_view::npos ? std::string_view{} : names.substr(end + 1);
    }
    return false;
}

}  // namespace

std::span<const Lack> known_lacks() {
    return lacks;
}

const std::vector<MeasuredModule>& measured_modules() {
    static const std::vector<MeasuredModule> modules{
        {"softhsm2", {"2.6"}}, {"nss-softokn", {"3.87"}}, {"tpm2-pkcs11", {"1.9"}}, {"opencryptoki", {"3.23", "3.27"}}, {"kryoptic", {}}};
    return modules;
}

const Lack* find_lack(std::string_view module, std::string_view version, std::string_view doing, std::string_view name) {
    for(const auto& lack : lacks) {
        if(lack.module == module && lack.doing == doing && has_name(lack.names, name) &&
           (lack.until.empty() || numbers_of(version) < numbers_of(lack.until))) {
            return &lack;
        }
    }
    return nullptr;
}

}  // namespace keyway::contract
