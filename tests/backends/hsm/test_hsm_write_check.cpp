// SPDX-License-Identifier: BSD-2-Clause
// Whether a token takes changes.
#include <backends/hsm/fault_support.hpp>
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/key/store_checker.hpp>

using namespace keyway;
using keyway::test::fault_line;
using keyway::test::HsmStore;

namespace {

std::optional<Error> checked(const KeyBackend& backend) {
    return dynamic_cast<const StoreChecker&>(backend).check_writable({});
}

}  // namespace

TEST_CASE("a token that takes changes is told to, and nothing of the trial stays") {
    const HsmStore store;
    const auto backend = store.open();
    CHECK(!checked(*backend));
    CHECK(store.objects() == 0);
    const auto ref = HsmStore::create(*backend, "root").ref;
    CHECK(!checked(*backend));
    CHECK(store.objects() == 2);
    CHECK(test::signs(*backend->use(ref, {})));
    // What a trial left that was killed goes; what others wrote stays.
    {
        const HsmStore::Direct direct(store);
        for(const auto* const application : {"keyway", "another"}) {
            pkcs11::Template attributes;
            attributes.add_number(CKA_CLASS, CKO_DATA).add_yes(CKA_TOKEN).add_text(CKA_LABEL, "keyway write check");
            attributes.add_text(CKA_APPLICATION, application);
            CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
            REQUIRE(direct.session().calls().C_CreateObject(direct.session().handle(), attributes.data(), attributes.size(),
                                                            &object) == CKR_OK);
        }
    }
    CHECK(store.objects() == 4);
    CHECK(!checked(*backend));
    CHECK(store.objects() == 3);
}

TEST_CASE("a token that takes no changes is told with the reason") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open({{"deadline-ms", "1000"}});
    const auto ref = HsmStore::create(*backend, "root").ref;
    struct Case {
        std::string fault;
        Errc code;
        std::string return_value;
        std::string hint;
    };
    const auto refused = [](const std::string& function, const std::string& value) {
        return fault_line("return", function, R"("rv": ")" + value + R"(", "every": 1)");
    };
    for(const auto& [fault, code, value, hint] : std::vector<Case>{
            {R"({"fault": "read-only-token"})", Errc::token_failed, "CKR_TOKEN_WRITE_PROTECTED", "the token can only be read"},
            {refused("C_CreateObject", "CKR_SESSION_READ_ONLY"), Errc::token_failed, "CKR_SESSION_READ_ONLY", "the token can only be read"},
            {refused("C_CreateObject", "CKR_DEVICE_MEMORY"), Errc::token_failed, "CKR_DEVICE_MEMORY",
             "the token is full: remove objects that are not needed, or close other sessions"},
            {refused("C_CreateObject", "CKR_ATTRIBUTE_VALUE_INVALID"), Errc::unsupported, "CKR_ATTRIBUTE_VALUE_INVALID",
             "leave --writable out, or make a key and remove it"}}) {
        INFO(fault);
        store.fault().inject(fault);
        const auto error = checked(*backend);
        store.fault().clear();
        REQUIRE(error);
        CHECK(error->code() == code);
        CHECK(error->return_value() == value);
        CHECK(error->hint() == hint);
        CHECK(error->backend() == "hsm");
        CHECK(store.objects() == 2);
    }
    // One that takes and does not give back: the next trial mends it.
    store.fault().inject(refused("C_DestroyObject", "CKR_ACTION_PROHIBITED"));
    const auto error = checked(*backend);
    store.fault().clear();
    REQUIRE(error);
    CHECK(error->return_value() == "CKR_ACTION_PROHIBITED");
    CHECK(error->message().find(R"("keyway write check")") != std::string::npos);
    CHECK(store.objects() == 3);
    CHECK(!checked(*backend));
    CHECK(store.objects() == 2);
    CHECK(test::signs(*backend->use(ref, {})));
}

TEST_CASE("the trial is got over faults, and leaves nothing") {
    const HsmStore store(HsmStore::Through::fault_module);
    const auto backend = store.open();
    for(const auto* const function : {"C_CreateObject", "C_DestroyObject"}) {
        for(const auto* const value : {"CKR_DEVICE_ERROR", "CKR_SESSION_HANDLE_INVALID"}) {
            for(const auto* const when : {"before", "after"}) {
                INFO(function << ' ' << value << ' ' << when);
                store.fault().inject(fault_line("return", function, std::string(R"("rv": ")") + value + R"(", "when": ")" + when +
                                                                        R"(", "at": 1)"));
                CHECK(!checked(*backend));
                store.fault().clear();
                CHECK(store.objects() == 0);
            }
        }
    }
}

TEST_CASE("without the right PIN nothing is tried") {
    const HsmStore store;
    const auto wrong = store.open({{"user-pin", store.wrong_pin_source()}});
    const auto error = checked(*wrong);
    REQUIRE(error);
    CHECK(error->code() == Errc::pin_incorrect);
    const auto none = store.open({{"user-pin", ""}});
    const auto missing = checked(*none);
    REQUIRE(missing);
    CHECK(missing->code() == Errc::secret_unavailable);
    CHECK(store.objects() == 0);
}
