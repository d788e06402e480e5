// SPDX-License-Identifier: BSD-2-Clause
#include <bench/kinds.hpp>

#include <p11-kit/pkcs11.h>

#include <botan/hash.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#ifndef CKM_EDDSA
#define CKM_EDDSA (0x1057UL)
#endif

namespace keyway::bench {

namespace {

constexpr std::array kinds{
    Kind{"rsa-2048", "rsa-2048", "PKCS1v15(SHA-256)", "SHA-256", CKM_RSA_PKCS},
    Kind{"rsa-2048-pss", "rsa-2048", "PSS(SHA-256,MGF1,32)", "SHA-256", CKM_RSA_PKCS_PSS},
    Kind{"rsa-4096", "rsa-4096", "PKCS1v15(SHA-256)", "SHA-256", CKM_RSA_PKCS},
    Kind{"p-256", "p-256", "SHA-256", "SHA-256", CKM_ECDSA},
    Kind{"p-384", "p-384", "SHA-384", "SHA-384", CKM_ECDSA},
    Kind{"ed25519", "ed25519", "Pure", "", CKM_EDDSA},
};

}  // namespace

const Kind& kind_of(std::string_view name) {
    const auto found = std::ranges::find(kinds, name, &Kind::name);
    if(found == kinds.end()) {
        throw std::runtime_error("there is no kind \"" + std::string(name) + "\"");
    }
    return *found;
}

std::vector<std::uint8_t> before_digest(const Kind& kind) {
    if(kind.mechanism != CKM_RSA_PKCS) {
        return {};
    }
    // DigestInfo with SHA-256, RFC 8017 9.2 note 1.
    return {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
}

std::vector<std::uint8_t> input_of_token(const Kind& kind) {
    if(kind.hash.empty()) {
        return {message.begin(), message.end()};
    }
    auto input = before_digest(kind);
    const auto digest = Botan::HashFunction::create_or_throw(kind.hash)->process<std::vector<std::uint8_t>>(message);
    input.insert(input.end(), digest.begin(), digest.end());
    return input;
}

}  // namespace keyway::bench
