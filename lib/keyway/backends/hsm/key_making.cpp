// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/hsm/key_making_internal.hpp>
#include <keyway/backends/hsm/key_references_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/key/signature_scheme.hpp>
#include <keyway/pkcs11/keys/certificates_internal.hpp>
#include <keyway/pkcs11/keys/secret_key_internal.hpp>

#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

namespace keyway::hsm {

namespace {

/// To remove what was made of a key that failed.
constexpr std::chrono::milliseconds last_moment{500};

}  // namespace

void sign_once(const Botan::Private_Key& key) {
    Botan::PK_Signer signer(key, Botan::system_rng(), choose_scheme(key).botan_padding());
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

void remove_key(pkcs11::Token& token,
                const pkcs11::PinProvider& pin,
                const pkcs11::KeySelector& wanted,
                const SpkiFingerprint& fingerprint) {
    bool begun = false;
    token.with_session(pkcs11::SessionMode::read_write, pin, [&](const pkcs11::Session& session) {
        try {
            const auto found = pkcs11::find_key_or_remains(session, wanted, fingerprint, token.name());
            if(found.private_object == CK_INVALID_HANDLE) {
                token.require_sight(session);  // or it would be a whole key that loses its public half
            }
            begun = true;
            pkcs11::destroy_key(session, found);
        } catch(const Error& error) {
            // The answer was lost when the last object had gone.
            if(!begun || error.code() != Errc::key_not_found) {
                throw;
            }
            token.require_sight(session);
        }
        pkcs11::destroy_certificates(session, wanted, fingerprint);
    });
}

void create_wrapping_key(pkcs11::Token& token, const pkcs11::PinProvider& pin, const std::string& label) {
    // One id for all attempts: what an attempt whose answer was lost has made is told by it.
    const auto id = random_id();
    bool begun = false;
    token.with_session(pkcs11::SessionMode::read_write, pin, [&](const pkcs11::Session& session) {
        if(std::exchange(begun, true) && pkcs11::has_wrapping_key(session, {.id = id, .label = label})) {
            return;
        }
        pkcs11::NewObjects made(session);
        static_cast<void>(pkcs11::generate_wrapping_key(session, {.label = label, .id = id}, token.name(), made));
        made.keep();
    });
}

}  // namespace keyway::hsm
