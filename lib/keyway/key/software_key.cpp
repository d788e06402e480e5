// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>
#include <keyway/key/signature_scheme.hpp>
#include <keyway/key/software_key_internal.hpp>

#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/ed25519.h>
#include <botan/ed448.h>
#include <botan/ml_dsa.h>
#include <botan/pubkey.h>
#include <botan/rsa.h>
#include <botan/slh_dsa.h>
#include <botan/system_rng.h>
#include <botan/x25519.h>
#include <botan/x448.h>

#include <algorithm>
#include <array>
#include <utility>

namespace keyway {

namespace {

constexpr std::size_t longest_label = 200;

}  // namespace

std::unique_ptr<Botan::Private_Key> generate_software_key(const KeySpec& spec) {
    auto& rng = Botan::system_rng();
    switch(spec.type()) {
        case KeyType::rsa:
            return std::make_unique<Botan::RSA_PrivateKey>(rng, spec.bits());
        case KeyType::ec:
            return std::make_unique<Botan::ECDSA_PrivateKey>(rng, Botan::EC_Group::from_name(spec.curve()));
        case KeyType::ed25519:
            return std::make_unique<Botan::Ed25519_PrivateKey>(rng);
        case KeyType::ed448:
            return std::make_unique<Botan::Ed448_PrivateKey>(rng);
        case KeyType::x25519:
            return std::make_unique<Botan::X25519_PrivateKey>(rng);
        case KeyType::x448:
            return std::make_unique<Botan::X448_PrivateKey>(rng);
        case KeyType::ml_dsa:
            return std::make_unique<Botan::ML_DSA_PrivateKey>(rng, Botan::ML_DSA_Mode(spec.parameter_set()));
        case KeyType::slh_dsa:
            return std::make_unique<Botan::SLH_DSA_PrivateKey>(rng, Botan::SLH_DSA_Parameters::create(spec.parameter_set()));
        case KeyType::dsa:
            throw Error(Errc::unsupported, "no DSA keys are made", "make an EC or Ed25519 key");
    }
    throw Error(Errc::internal, "a key specification of no known type");
}

void require_sound(const Botan::Private_Key& key) {
    const auto is_sound = [&] {
        try {
            return key.check_key(Botan::system_rng(), false);
        } catch(const Botan::Exception&) {  // numbers that cannot even be calculated with
            return false;
        }
    };
    if(!is_sound()) {
        throw Error(Errc::malformed_data,
                    "the parts of the private key do not fit together",
                    "get an undamaged copy of the key, or make a new one");
    }
}

void require_signing(const Botan::Private_Key& key) {
    if(!KeySpec::of(key).can_sign()) {
        return;
    }
    const auto scheme = choose_scheme(key);
    constexpr std::array<std::uint8_t, 16> challenge{};
    Botan::PK_Signer signer(key, Botan::system_rng(), scheme.botan_padding());
    const auto signature = signer.sign_message(challenge, Botan::system_rng());
    const auto public_key = key.public_key();
    Botan::PK_Verifier verifier(*public_key, scheme.botan_padding());
    if(!verifier.verify_message(challenge, signature)) {
        throw Error(Errc::verification_failed, "a signature of the key does not verify with its public key",
                    "the key is damaged, or its two halves are not of one pair");
    }
}

Botan::secure_vector<std::uint8_t> private_key_info(const Botan::Private_Key& key) {
    try {
        return key.private_key_info();
    } catch(const Botan::Exception&) {
        std::throw_with_nested(Error(Errc::unsupported,
                                     "the private key cannot be copied out of the place where it lives",
                                     "store a key from a file, or make a new one"));
    }
}

KeyLabel::KeyLabel(std::string text) : text_(std::move(text)) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if(text_.empty() || text_.size() > longest_label || !is_text(text_) ||
       std::ranges::any_of(text_, is_control)) {
        throw Error(Errc::invalid_option,
                    in_quotes(text_.substr(0, longest_label)) + " is no label for a key",
                    "use 1 to 200 bytes of UTF-8 without control characters");
    }
}

KeyLabel KeyLabel::of(const OptionValues& options) {
    auto text = options.text("label");
    if(!text) {
        throw Error(Errc::invalid_option, "the option \"label\" is missing", "give the new key a name: --label NAME");
    }
    return KeyLabel(std::move(*text));
}

}  // namespace keyway
