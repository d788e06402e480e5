// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/hsm/key_making_internal.hpp>
#include <keyway/backends/hsm/key_references_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/key/signature_scheme.hpp>
#include <keyway/pkcs11/keys/certificates_internal.hpp>

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
constexpr std::chrono::milliseconds a_moment{500};

}  // namespace

pkcs11::Deadline last_moment(const pkcs11::Token& token) {
    return pkcs11::Deadline(std::max(token.new_deadline().at(), pkcs11::Deadline(a_moment).at()));
}

std::unique_lock<pkcs11::TimedMutex> making_turn(pkcs11::TimedMutex& making,
                                                 const pkcs11::Token& token,
                                                 const pkcs11::Deadline& deadline) {
    std::unique_lock lock(making, deadline.at());
    if(!lock) {
        throw Error(Errc::timed_out, "others have been making keys in " + token.name() + " all the while",
                    "raise deadline-ms, or make fewer keys at a time");
    }
    return lock;
}

void sign_once(const Botan::Private_Key& key) {
    Botan::PK_Signer signer(key, Botan::system_rng(), choose_scheme(key).botan_padding());
    constexpr std::array<std::uint8_t, 16> challenge{};
    static_cast<void>(signer.sign_message(challenge, Botan::system_rng()));
}

void remove_what_was_made(pkcs11::Token& token,
                          const pkcs11::PinProvider& pin,
                          const std::string& label,
                          const std::vector<std::uint8_t>& id,
                          const Error& cause,
                          const std::function<void(const pkcs11::Session&)>& destroy) {
    try {
        const auto deadline = last_moment(token);
        const pkcs11::Token::OneDeadline one(deadline);
        token.with_session(pkcs11::SessionMode::read_write, pin, [&](const pkcs11::Session& session) { destroy(session); });
    } catch(const Error&) {
        throw Error(cause.code(), cause.message(),
                    cause.hint() + (cause.hint().empty() ? "" : "; ") + "what was made of it may still be in the token, with label " + in_quotes(label) +
                        " and id " + pkcs11::id_text(id) + ": `keyway key list` shows it, `keyway key remove` removes it")
            .with_return_value(cause.return_value());
    }
}

void remove_what_was_made(pkcs11::Token& token, const pkcs11::PinProvider& pin, const pkcs11::NewKey& key, const Error& cause) {
    remove_what_was_made(token, pin, key.label, key.id, cause, [&](const pkcs11::Session& session) { pkcs11::destroy_named(session, key); });
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

}  // namespace keyway::hsm
