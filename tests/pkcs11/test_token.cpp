// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/quirks/quirks.hpp>
#include <keyway/pkcs11/token_admin.hpp>
#include <keyway/pkcs11/token_admin_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>
#include <support/raises.hpp>

#include <softhsm_fixtures/catch2.hpp>

#include <cstdlib>

using namespace keyway;
using namespace keyway::pkcs11;
using softhsm_fixtures::SoftHsmFixture;

namespace {

NewToken new_token(std::string label, std::string so_pin, std::string user_pin) {
    return {.label = std::move(label),
            .serial = {},
            .so_pin = [so_pin] { return Secret(so_pin); },
            .user_pin = [user_pin] { return Secret(user_pin); }};
}

}  // namespace

TEST_CASE("a token is initialised in an empty slot and can be logged in to") {
    SoftHsmFixture softhsm;
    const ModuleName module{softhsm.token().module_path().string()};
    const auto made = init_token(module, new_token("Second token", "so-pin-123", "user-pin-123"));
    CHECK(made.label == "Second token");
    CHECK(made.initialized);
    CHECK(made.user_pin_initialized);
    CHECK(made.serial.size() == 16);
    CHECK(made.uri().to_string().find("token=Second%20token") != std::string::npos);

    Token token(Module::open(module.value), {.label = "Second token", .serial = {}, .manufacturer = {}, .model = {}}, {});
    token.log_in([] { return Secret("user-pin-123"); });
    CHECK_NOTHROW(token.log_in([]() -> Secret { throw Error(Errc::internal, "asked twice"); }));
}

TEST_CASE("a token that is there is never initialised again") {
    SoftHsmFixture softhsm;
    const ModuleName module{softhsm.token().module_path().string()};
    CHECK_RAISES(init_token(module, new_token(softhsm.token().label(), "so-pin-123", "user-pin-123")),
                 Errc::already_exists);
    auto by_serial = new_token("x", "so-pin-123", "user-pin-123");
    by_serial.serial = softhsm.token().serial();
    CHECK_RAISES(init_token(module, by_serial), Errc::already_exists);
    by_serial.serial = "nowhere";
    CHECK_RAISES(init_token(module, by_serial), Errc::token_not_found);
}

TEST_CASE("lengths of PINs that mean nothing refuse none, and modules that cannot initialise are told by their profile") {
    // No module here tells such lengths, or lacks the function, so that the checks are called by themselves.
    TokenInfo token;
    token.manufacturer = "Acme";
    const Secret pin("12345678");
    CHECK_NOTHROW(require_length(pin, token, {}, "user"));
    token.shortest_pin = 4;
    token.longest_pin = 6;
    CHECK_RAISES((require_length(pin, token, {}, "user"), 0), Errc::pin_incorrect);
    for(const auto& quirks : {load_quirks("nethsm", {}, {}), load_quirks("google-cloud-kms", {}, {})}) {
        CHECK_NOTHROW(require_length(pin, token, quirks, "user"));
        CHECK_RAISES((require_initialisable(token, quirks), 0), Errc::unsupported);
    }
    CHECK_NOTHROW(require_initialisable(token, load_quirks("softhsm2", {}, {})));
}

TEST_CASE("a PIN of a length that the token refuses is found out before the token is touched") {
    SoftHsmFixture softhsm;
    const ModuleName module{softhsm.token().module_path().string()};
    CHECK_RAISES(init_token(module, new_token("a", "so-pin-123", "1")), Errc::pin_incorrect);
    CHECK_RAISES(init_token(module, new_token("a", "1", "user-pin-123")), Errc::pin_incorrect);
    for(const auto* label : {"", " ", "a ", " a", "a\x1b[31m", "a\nb", "caf\xe9"}) {
        CHECK_RAISES(init_token(module, new_token(label, "so-pin-123", "user-pin-123")), Errc::invalid_argument);
    }
    CHECK_RAISES(init_token(module, new_token(std::string(33, 'x'), "so-pin-123", "user-pin-123")),
                 Errc::invalid_argument);
    std::size_t initialized = 0;
    for(const auto& token : list_tokens(module)) {
        initialized += token.initialized ? 1U : 0U;
    }
    CHECK(initialized == 1);
}

TEST_CASE("login lasts as long as its token is used, and ends with it") {
    SoftHsmFixture softhsm;
    const auto module = Module::open(softhsm.token().module_path().string());
    const TokenSelector selector{.label = softhsm.token().label(), .serial = {}, .manufacturer = {}, .model = {}};
    const auto state = [&] {
        const Session session(module, module->tokens().at(0).slot, SessionMode::read_only);
        CK_SESSION_INFO info{};
        module->calls().C_GetSessionInfo(session.handle(), &info);
        return info.state;
    };
    {
        Token token(module, selector, {});
        CHECK(state() == CKS_RO_PUBLIC_SESSION);
        token.log_in([&] { return Secret(softhsm.token().user_pin()); });
        CHECK(state() == CKS_RO_USER_FUNCTIONS);
        {
            // A second user of the token joins the login without a PIN, and going does not end it.
            Token other(module, selector, {});
            other.log_in([]() -> Secret { throw Error(Errc::internal, "no PIN is needed"); });
        }
        CHECK(state() == CKS_RO_USER_FUNCTIONS);
    }
    CHECK(state() == CKS_RO_PUBLIC_SESSION);
}

TEST_CASE("one module serves all who open it") {
    SoftHsmFixture softhsm;
    const auto path = softhsm.token().module_path().string();
    const auto first = Module::open(path);
    CHECK(Module::open(path) == first);
    CHECK_RAISES(Module::open("/nonexistent/module.so"), Errc::token_not_found);
}

TEST_CASE("a missing SoftHSM configuration is an error with a hint at it") {
    SoftHsmFixture softhsm;
    ::setenv("SOFTHSM2_CONF", "/nonexistent/softhsm2.conf", 1);
    const auto error = test::raised([&] { return Module::open(softhsm.token().module_path().string()); });
    ::setenv("SOFTHSM2_CONF", softhsm.token().config_path().c_str(), 1);
    CHECK(error.code() == Errc::token_failed);
    CHECK(error.return_value() == "CKR_GENERAL_ERROR");
    CHECK(error.hint().find("SOFTHSM2_CONF") != std::string::npos);
}
