// SPDX-License-Identifier: BSD-2-Clause
#include "keys.hpp"
#include "known_keys.hpp"
#include "measure.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

namespace probe {

namespace {

[[nodiscard]] bool is_refused(const std::function<void()>& call) {
    try {
        call();
        return false;
    } catch (const RefusedBy&) {
        return true;
    }
}

[[nodiscard]] Measurement point_is_raw(std::string kind) {
    return in_session([kind = std::move(kind)](Session& session) {
        const Bytes point = session.get(generate_pair(session, kind).public_key, CKA_EC_POINT);
        require(raw_point(point) == point, "CKA_EC_POINT is in an OCTET STRING");
    });
}

void private_key_has_no_point(Session& session) {
    const KeyPair pair = generate_pair(session, "P-256");
    require(is_refused([&] { static_cast<void>(session.get(pair.private_key, CKA_EC_POINT)); }) ||
                session.get(pair.private_key, CKA_EC_POINT).empty(),
            "a private key of a curve has its CKA_EC_POINT");
}

void import_needs_point(Session& session) {
    require(is_refused([&] { require_signs(session, "P-256", import_private(session, "P-256"), known_public_key_info("P-256")); }),
            "a private key of a curve is imported without a point");
    require_signs(session, "P-256", import_private(session, "P-256", {}, true), known_public_key_info("P-256"));
}

/// PKCS#11 allows a null pointer where there are no bytes.
void null_message_refused(Session& session) {
    const KeyPair pair = generate_pair(session, "RSA");
    const auto sign_nothing = [&](CK_BYTE* nothing) {
        Mechanism mechanism(CKM_SHA256_RSA_PKCS);
        check("C_SignInit", session.p11().C_SignInit(session.handle(), mechanism.get(), pair.private_key));
        Bytes signature(256);
        CK_ULONG size = signature.size();
        check("C_Sign", session.p11().C_Sign(session.handle(), nothing, 0, signature.data(), &size));
    };
    CK_BYTE somewhere = 0;
    sign_nothing(&somewhere);
    Session fresh(session.module());
    require(is_refused([&] { sign_nothing(nullptr); }), "an empty message may be a null pointer");
}

void eddsa_context_ignored(Session& session) {
    const KeyPair pair = generate_pair(session, "Ed25519");
    CK_BYTE context = 'c';
    EddsaParameters parameters{CK_FALSE, 1, &context};
    const Bytes signature = session.sign({ckm_eddsa, parameters}, pair.private_key, openssl::message());
    require_accepted(session, openssl::Scheme::eddsa, public_key_info(session, "Ed25519", pair.public_key), signature);
}

/// PKCS#11 asks for a buffer that is large enough, not for one that fits.
void eddsa_buffer_must_fit(Session& session) {
    const KeyPair pair = generate_pair(session, "Ed25519");
    static_cast<void>(sign_plainly(session, "Ed25519", pair.private_key));
    require(is_refused([&] { static_cast<void>(session.sign(ckm_eddsa, pair.private_key, openssl::message())); }),
            "the buffer may be larger than the signature");
}

void p521_key_cannot_sign(Session& session) {
    const KeyPair pair = generate_pair(session, "P-521");
    require(is_refused([&] { static_cast<void>(sign_plainly(session, "P-521", pair.private_key)); }),
            "a P-521 key signs");
}

void slot_number_changes(const Target& target) {
    const Module module(target);
    for (const CK_SLOT_ID slot : module.slots()) {
        if ((module.token_info(slot).flags & CKF_TOKEN_INITIALIZED) != 0) {
            continue;
        }
        Bytes so_pin = from_text(target.so_pin);
        Bytes label(32, ' ');
        label[0] = 'x';
        check("C_InitToken", module.p11().C_InitToken(slot, so_pin.data(), so_pin.size(), label.data()));
        module.finalise();
        module.initialise();
        require(module.slot_of("x") != slot, "the token stays in its slot");
        return;
    }
    throw Refused("no slot has a token that is not initialised");
}

void handles_end_with_logout(Session& session) {
    const KeyPair pair = generate_pair(session, usual_kind);
    static_cast<void>(sign_plainly(session, usual_kind, pair.private_key));
    session.log_out();
    session.log_in(CKU_USER, session.module().target().user_pin);
    require(is_refused([&] { static_cast<void>(sign_plainly(session, usual_kind, pair.private_key)); }),
            "the handle of a private key lives on");
}

void private_keys_shown_without_login(const Target& target) {
    const Module module(target);
    {
        Session session(module);
        static_cast<void>(generate_pair(session, usual_kind, {.label = "hidden"}));
    }
    Session session(module, Session::Login::none);
    require(!session.find(Template().number(CKA_CLASS, CKO_PRIVATE_KEY)).empty(),
            "private keys are hidden before login");
}

void arguments_needed(const Target& target) {
    require(!target.init_arguments.empty(), "there are none");
    try {
        const Module module(target, false);
        static_cast<void>(module.slot());
    } catch (const Refused&) {
        return;
    }
    throw Refused("the token is found without them");
}

void short_pins(const Target& target) {
    const Module module(target);
    const CK_ULONG longest = module.token_info(module.slot()).ulMaxPinLen;
    // 0 says that it is not known.
    require(longest > 0 && longest < 12, "PINs may have " + std::to_string(longest) + " bytes");
}

void no_so_pin(const Target& target) {
    const Module module(target);
    Session session(module, Session::Login::none);
    require(is_refused([&] { session.log_in(CKU_SO, target.so_pin); }), "the security officer can log in");
}

void no_version(const Target& target) {
    const Module module(target);
    CK_INFO info{};
    check("C_GetInfo", module.p11().C_GetInfo(&info));
    require(info.libraryVersion.major == 0 && info.libraryVersion.minor == 0, "the library has a version");
}

void few_sessions(const Target& target) {
    constexpr std::size_t wanted = 2000;
    const Module module(target);
    const CK_SLOT_ID slot = module.slot();
    for (std::size_t opened = 0; opened < wanted; ++opened) {
        CK_SESSION_HANDLE session = 0;
        if (module.p11().C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session) != CKR_OK) {
            return;
        }
    }
    throw Refused(std::to_string(wanted) + " sessions can be open");
}

void slow_login(const Target& target) {
    constexpr std::chrono::milliseconds slow{50};
    const Module module(target);
    auto shortest = std::chrono::steady_clock::duration::max();
    // One quick login tells that it is the machine that was slow, not the module.
    for (int time = 0; time < 30 && shortest > slow; ++time) {
        Session session(module, Session::Login::none);
        const auto before = std::chrono::steady_clock::now();
        session.log_in(CKU_USER, target.user_pin);
        shortest = std::min(shortest, std::chrono::steady_clock::now() - before);
        session.log_out();
    }
    require(shortest > slow, "a login takes under 50 ms");
}

/// The module that the exit handler below finalises.
const Module* module_at_exit = nullptr;

/// Registered before the library is loaded, the handler runs after the library's own.
void crash_in_exit_handler(const Target& target) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::atexit([] { module_at_exit->p11().C_Finalize(nullptr); });
        module_at_exit = new Module(target); // NOLINT(cppcoreguidelines-owning-memory): it outlives main
        std::exit(0);
    }
    int status = 0;
    require(::waitpid(child, &status, 0) == child && status != 0,
            "C_Finalize in an exit handler does no harm");
}

} // namespace

void add_quirk_measurements(Measurements& all) {
    all["ec-point-raw"] = point_is_raw("P-256");
    all["ed25519-point-raw"] = point_is_raw("Ed25519");
    all["ec-private-key-without-point"] = in_session(private_key_has_no_point);
    all["ec-import-needs-point"] = in_session(import_needs_point);
    all["null-message-refused"] = in_session(null_message_refused);
    all["eddsa-context-ignored"] = in_session(eddsa_context_ignored);
    all["eddsa-buffer-must-fit"] = in_session(eddsa_buffer_must_fit);
    all["ec-p521-cannot-sign"] = in_session(p521_key_cannot_sign);
    all["slot-number-changes"] = slot_number_changes;
    all["handles-end-with-logout"] = in_session(handles_end_with_logout);
    all["private-keys-shown-without-login"] = private_keys_shown_without_login;
    all["init-arguments-needed"] = arguments_needed;
    all["short-pins"] = short_pins;
    all["no-so-pin"] = no_so_pin;
    all["no-version"] = no_version;
    all["few-sessions"] = few_sessions;
    all["slow-login"] = slow_login;
    all["crash-in-exit-handler"] = crash_in_exit_handler;
}

} // namespace probe
