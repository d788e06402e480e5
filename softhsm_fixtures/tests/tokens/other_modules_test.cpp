// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/modules.hpp>
#include <softhsm_fixtures/test_token.hpp>

#include "../support.hpp"

#include <catch2/catch_test_macros.hpp>

#include <dlfcn.h>
#include <string>

using namespace softhsm_fixtures;

namespace {

[[nodiscard]] const ModuleInfo& usable(const std::string& name) {
    const ModuleInfo& module = require_module(name);
    if (const auto reason = module.absence_reason()) {
        SKIP(*reason);
    }
    return module;
}

template <typename Make>
[[nodiscard]] std::string refusal(const Make& make) {
    try {
        static_cast<void>(make());
    } catch (const FixtureError& error) {
        return error.what();
    }
    return {};
}

/// How many objects can be seen without a login.
[[nodiscard]] CK_ULONG public_objects(const TestToken& token) {
    const ScopedTokenEnvironment environment(token);
    void* const library = ::dlopen(token.module_path().c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library != nullptr);
    CK_FUNCTION_LIST* p11 = nullptr;
    REQUIRE(reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"))(&p11) == CKR_OK);
    std::string reserved = token.init_arguments();
    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    arguments.pReserved = reserved.empty() ? nullptr : reserved.data();
    REQUIRE(p11->C_Initialize(&arguments) == CKR_OK);
    CK_SLOT_ID slot = 0;
    CK_ULONG slots = 1;
    REQUIRE(p11->C_GetSlotList(CK_TRUE, &slot, &slots) == CKR_OK);
    CK_SESSION_HANDLE session = 0;
    REQUIRE(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session) == CKR_OK);
    REQUIRE(p11->C_FindObjectsInit(session, nullptr, 0) == CKR_OK);
    CK_OBJECT_HANDLE found[8] = {};
    CK_ULONG count = 0;
    CHECK(p11->C_FindObjects(session, found, 8, &count) == CKR_OK);
    CHECK(p11->C_Finalize(nullptr) == CKR_OK);
    return count;
}

} // namespace

TEST_CASE("a token of NSS softokn is filled, each with keys and PINs of its own") {
    const ModuleInfo& nss = usable("nss-softokn");
    const TokenOptions options{.content = TokenContent::parse(
                                   R"([{"type": "ec", "curve": "P-256", "label": "signer", "certificate": {}}])")};
    const auto first = make_test_token(nss, options);
    const auto second = make_test_token(nss, options);
    CHECK(first->details().user_pin != second->details().user_pin);
    CHECK(public_objects(*first) == 2);
    CHECK(public_objects(*make_test_token(nss)) == 0);
}

TEST_CASE("what a token of another module cannot hold is an error with the entry, and leaves nothing") {
    const ModuleInfo& nss = usable("nss-softokn");
    const auto message = refusal([&] {
        return make_test_token(nss, {.label = "small", .content = TokenContent::parse(R"([{"type": "aes"},
            {"type": "ec", "curve": "secp256k1", "label": "coin"}])")});
    });
    CHECK(message.starts_with("cannot fill the token \"small\": entry 2 (\"coin\"): C_CreateObject returned "));
    CHECK_THROWS_AS(make_test_token(nss, {.content = TokenContent::parse(R"([{"type": "ec", "curve": "secp256k1"}])")}),
                    FillFailed);
}

TEST_CASE("options that fit no token are refused before a module is looked for") {
    const support::Variable absent("SOFTHSM2_MODULE", "/no/such/module");
    const ModuleInfo& softhsm = require_module("softhsm2");
    CHECK(refusal([&] { return make_test_token(softhsm, {.label = std::string(33, 'x')}); }).find("32 bytes") !=
          std::string::npos);
    CHECK_THROWS_AS(make_test_token(softhsm, {.user_pin_length = 3}), InvalidOption);
    CHECK_THROWS_AS(make_test_token(softhsm), SoftHsmNotFound);
    CHECK_NOTHROW(check_options({}));
}

TEST_CASE("a quirk belongs to versions as a capability does") {
    const ModuleInfo& nss = require_module("nss-softokn");
    CHECK_FALSE(nss.has_quirk("eddsa-buffer-must-fit", "3.87"));
    CHECK(nss.has_quirk("eddsa-buffer-must-fit", "3.99"));
    CHECK(nss.has_quirk("eddsa-buffer-must-fit"));
    CHECK_FALSE(nss.has_quirk("no-such-quirk"));
}
