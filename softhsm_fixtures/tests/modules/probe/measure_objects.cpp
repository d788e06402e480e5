// SPDX-License-Identifier: BSD-2-Clause
#include "keys.hpp"
#include "known_keys.hpp"
#include "measure.hpp"

namespace probe {

namespace {

[[nodiscard]] Template private_key_named(std::string_view label) {
    return Template().number(CKA_CLASS, CKO_PRIVATE_KEY).text(CKA_LABEL, label);
}

void store_certificate(Session& session) {
    static_cast<void>(session.create(Template()
                                         .number(CKA_CLASS, CKO_CERTIFICATE)
                                         .number(CKA_CERTIFICATE_TYPE, CKC_X_509)
                                         .flag(CKA_TOKEN, true)
                                         .flag(CKA_PRIVATE, false)
                                         .text(CKA_LABEL, "a certificate")
                                         .text(CKA_ID, "a certificate")
                                         .bytes(CKA_SUBJECT, known_certificate_subject())
                                         .bytes(CKA_ISSUER, known_certificate_subject())
                                         .bytes(CKA_SERIAL_NUMBER, {2, 1, 1})
                                         .bytes(CKA_VALUE, known_certificate())));
    const auto found =
        session.find(Template().number(CKA_CLASS, CKO_CERTIFICATE).text(CKA_LABEL, "a certificate"));
    require(found.size() == 1, "it is not found by its label");
    require(session.get(found[0], CKA_VALUE) == known_certificate(), "other bytes came back");
}

void store_data(Session& session) {
    static_cast<void>(session.create(Template()
                                         .number(CKA_CLASS, CKO_DATA)
                                         .flag(CKA_TOKEN, true)
                                         .flag(CKA_PRIVATE, true)
                                         .text(CKA_LABEL, "a note")
                                         .text(CKA_VALUE, "what it says")));
    const auto found = session.find(Template().number(CKA_CLASS, CKO_DATA).text(CKA_LABEL, "a note"));
    require(found.size() == 1, "it is not found by its label");
    require(session.get(found[0], CKA_VALUE) == from_text("what it says"), "other bytes came back");
}

void session_keys(const Target& target) {
    const Module module(target);
    {
        Session session(module);
        const KeyPair pair = generate_pair(session, usual_kind, {.in_token = false, .label = "passing"});
        require_signs(session, usual_kind, pair.private_key, public_key_info(session, usual_kind, pair.public_key));
    }
    Session later(module);
    require(later.find(private_key_named("passing")).empty(), "the key outlives its session");
}

void copy_to_session(const Target& target) {
    const Module module(target);
    Session session(module);
    const KeyPair pair = generate_pair(session, usual_kind, {.label = "copied"});
    const auto copy = session.copy(pair.private_key, Template().flag(CKA_TOKEN, false));
    require_signs(session, usual_kind, copy, public_key_info(session, usual_kind, pair.public_key));
    require(session.get(copy, CKA_TOKEN) == Bytes{CK_FALSE}, "the copy is in the token, too");
}

void change_label(const Target& target) {
    const Module module(target);
    {
        Session session(module);
        const KeyPair pair = generate_pair(session, usual_kind, {.label = "old name"});
        Template change;
        change.text(CKA_LABEL, "new name");
        check("C_SetAttributeValue",
              session.p11().C_SetAttributeValue(session.handle(), pair.private_key, change.data(), change.size()));
    }
    module.finalise();
    module.initialise();
    Session later(module);
    require(later.find(private_key_named("new name")).size() == 1, "the new label is not kept");
}

void destroy(const Target& target) {
    const Module module(target);
    {
        Session session(module);
        const KeyPair pair = generate_pair(session, usual_kind, {.label = "to go"});
        check("C_DestroyObject", session.p11().C_DestroyObject(session.handle(), pair.private_key));
    }
    module.finalise();
    module.initialise();
    Session later(module);
    require(later.find(private_key_named("to go")).empty(), "the key is there still");
}

void reveal_private_key(Session& session) {
    const KeyPair pair = generate_pair(session, usual_kind, {.extractable = true, .label = "open"});
    require(session.get(pair.private_key, CKA_VALUE).size() == 32, "the value is not one of P-256");
}

/// What C_Sign says to the key, after a login for this one signature where a PIN is given.
[[nodiscard]] CK_RV sign_once(Session& session, CK_OBJECT_HANDLE key, const std::string& pin) {
    Mechanism mechanism(CKM_ECDSA);
    Bytes data = openssl::message_digest();
    Bytes signature(64);
    CK_ULONG size = signature.size();
    check("C_SignInit", session.p11().C_SignInit(session.handle(), mechanism.get(), key));
    if (!pin.empty()) {
        session.log_in(CKU_CONTEXT_SPECIFIC, pin);
    }
    return session.p11().C_Sign(session.handle(), data.data(), data.size(), signature.data(), &size);
}

void always_authenticate(const Target& target) {
    const Module module(target);
    const KeyOptions each_time = {.always_authenticate = true, .label = "each time"};
    CK_OBJECT_HANDLE key = 0;
    {
        Session session(module);
        key = generate_pair(session, usual_kind, each_time).private_key;
        require(sign_once(session, key, {}) != CKR_OK, "the key signs without another login");
    }
    Session session(module);
    key = session.find(private_key_named(each_time.label)).at(0);
    check("C_Sign", sign_once(session, key, target.user_pin));
    check("C_Sign", sign_once(session, key, target.user_pin));
}

} // namespace

void add_object_measurements(Measurements& all) {
    all["certificates"] = in_session(store_certificate);
    all["data-objects"] = in_session(store_data);
    all["session-keys"] = session_keys;
    all["session-objects-copy"] = copy_to_session;
    all["set-attributes"] = change_label;
    all["destroy-objects"] = destroy;
    all["extractable-keys"] = in_session(reveal_private_key);
    all["always-authenticate"] = always_authenticate;
}

} // namespace probe
