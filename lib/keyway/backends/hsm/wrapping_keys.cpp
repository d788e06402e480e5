// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/hsm/key_making_internal.hpp>
#include <keyway/backends/hsm/key_references_internal.hpp>
#include <keyway/backends/hsm/token_limits_internal.hpp>
#include <keyway/backends/hsm/wrapping_keys_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/key/software_key_internal.hpp>
#include <keyway/pkcs11/keys/offered_mechanism_internal.hpp>
#include <keyway/pkcs11/keys/secret_key_internal.hpp>

#include <botan/hex.h>

#include <utility>

namespace keyway::hsm {

namespace {

constexpr std::size_t bits_in_byte = 8;

WrappingKeyInfo info_of(const pkcs11::Token& token, const pkcs11::ListedWrappingKey& key) {
    return {.label = key.label,
            .id = pkcs11::id_text(key.id),
            .type = "aes-" + std::to_string(key.bytes * bits_in_byte),
            .attributes = {{"id", pkcs11::id_text(key.id)},
                           {"token", token.info().label},
                           {"sensitive", key.sensitive ? "yes" : "no"},
                           {"extractable", key.extractable ? "yes" : "no"}}};
}

}  // namespace

WrappingKeyInfo create_wrapping_key(pkcs11::Token& token,
                                    const pkcs11::PinProvider& pin,
                                    const std::string& label,
                                    pkcs11::TimedMutex& making) {
    static_cast<void>(KeyLabel(label));
    require_lets_us_make_keys(token);
    const auto deadline = token.new_deadline();
    const auto turn = making_turn(making, token, deadline);
    const pkcs11::Token::OneDeadline one(deadline);
    // One id for all attempts: what an attempt whose answer was lost has made is told by it.
    const pkcs11::NewWrappingKey key{.label = label, .id = random_id()};
    bool names_are_ours = false;
    try {
        token.with_session(pkcs11::SessionMode::read_write, pin, [&](const pkcs11::Session& session) {
            if(!names_are_ours || !pkcs11::has_wrapping_key(session, {.id = key.id, .label = label})) {
                pkcs11::require_free_names(session, key, token.name());
                names_are_ours = true;
                pkcs11::NewObjects made(session);
                static_cast<void>(pkcs11::generate_wrapping_key(session, key, token.name(), made));
                made.keep();
            }
            pkcs11::require_alone(session, key, token.name());
            // That it is there, and as it was asked for.
            static_cast<void>(pkcs11::find_wrapping_key(session, {.id = key.id, .label = label}, token.name()));
        });
    } catch(const Error& error) {
        if(names_are_ours) {
            // As of a key pair: an answer may have been lost when the token had made the key.
            remove_what_was_made(token, pin, key.label, key.id, error,
                                 [&](const pkcs11::Session& session) { pkcs11::destroy_named(session, key); });
        }
        throw;
    }
    return info_of(token, {.label = key.label, .id = key.id, .bytes = key.bytes});
}

std::optional<Error> why_no_wrapping_key(pkcs11::Token& token, const pkcs11::PinProvider& pin, const std::string& label) {
    static_cast<void>(KeyLabel(label));
    require_lets_us_make_keys(token);
    return token.with_session(pkcs11::SessionMode::read_only, pin, [&](const pkcs11::Session& session) -> std::optional<Error> {
        if(!pkcs11::offers(session.calls(), pkcs11::slot_of(session), CKM_AES_KEY_GEN, CKF_GENERATE)) {
            return Error(Errc::unsupported, token.name() + " makes no AES keys: it lacks CKM_AES_KEY_GEN", "use an RSA key of it");
        }
        pkcs11::require_free_names(session, pkcs11::NewWrappingKey{.label = label, .id = random_id()}, token.name());
        return std::nullopt;
    });
}

std::vector<WrappingKeyInfo> list_wrapping_keys(pkcs11::Token& token, const pkcs11::PinProvider& pin) {
    const auto listed = token.with_session(pkcs11::SessionMode::read_only, pin, [](const pkcs11::Session& session) {
        return pkcs11::list_wrapping_keys(session);
    });
    std::vector<WrappingKeyInfo> keys;
    keys.reserve(listed.size());
    for(const auto& key : listed) {
        keys.push_back(info_of(token, key));
    }
    return keys;
}

void remove_wrapping_key(pkcs11::Token& token, const pkcs11::PinProvider& pin, const WrappingKeyInfo& key) {
    require_removes_keys(token);
    const pkcs11::KeySelector selector{.id = Botan::hex_decode(key.id, false), .label = key.label};
    bool begun = false;
    token.with_session(pkcs11::SessionMode::read_write, pin, [&](const pkcs11::Session& session) {
        // The answer may have been lost when the key had gone.
        if(begun && !pkcs11::has_wrapping_key(session, selector)) {
            token.require_sight(session);
            return;
        }
        begun = pkcs11::has_wrapping_key(session, selector);
        pkcs11::destroy_wrapping_key(session, selector, token.name());
    });
}

}  // namespace keyway::hsm
