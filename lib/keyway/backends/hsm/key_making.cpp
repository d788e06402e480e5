// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/hsm/key_making_internal.hpp>
#include <keyway/core/error.hpp>

#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

namespace keyway::hsm {

namespace {

/// To remove what was made of a key that failed.
constexpr std::chrono::milliseconds last_moment{500};

}  // namespace

void sign_once(const Botan::Private_Key& key) {
    const auto type = KeySpec::of(key).type();
    const std::string padding = type == KeyType::rsa                                    ? "PKCS1v15(SHA-256)"
                                : type == KeyType::ec                                   ? "SHA-256"
                                : type == KeyType::ed25519 || type == KeyType::ed448 ? "Pure"
                                                                                        : "";
    Botan::PK_Signer signer(key, Botan::system_rng(), padding);
    constexpr std::array<std::uint8_t, 16> challenge{};
    static_cast<void>(signer.sign_message(challenge, Botan::system_rng()));
}

void remove_what_was_made(pkcs11::Token& token, const pkcs11::PinProvider& pin, const pkcs11::NewKey& key, const Error& cause) {
    try {
        // Also when the time is up: a token that is there answers at once.
        const pkcs11::Deadline deadline(std::max(token.new_deadline().at(), pkcs11::Deadline(last_moment).at()));
        const pkcs11::Token::OneDeadline one(deadline);
        token.with_session(pkcs11::SessionMode::read_write, pin,
                           [&](const pkcs11::Session& session) { pkcs11::destroy_named(session, key); });
    } catch(const Error&) {
        throw Error(cause.code(), cause.message(),
                    cause.hint() + "; what was made of it may still be in the token, with label " + in_quotes(key.label) +
                        " and id " + pkcs11::id_text(key.id) + ": `keyway key list` shows it, `keyway key remove` removes it")
            .with_return_value(cause.return_value());
    }
}

}  // namespace keyway::hsm
