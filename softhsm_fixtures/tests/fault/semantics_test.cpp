// SPDX-License-Identifier: BSD-2-Clause
// When faults come and when they do not, where that is less plain than it looks; several tokens and threads.
#include "harness.hpp"

#include <softhsm_fixtures/softhsm_store.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <csignal>
#include <cstdlib>
#include <dlfcn.h>
#include <thread>
#include <unistd.h>

using fault_test::Faulted;

namespace {

[[nodiscard]] CK_UTF8CHAR* utf8(std::string& text) {
    return reinterpret_cast<CK_UTF8CHAR*>(text.data());
}

[[nodiscard]] CK_RV login_officer(Faulted& faulted, CK_SESSION_HANDLE session) {
    std::string pin = faulted.token().so_pin();
    return faulted.p11().C_Login(session, CKU_SO, utf8(pin), pin.size());
}

[[nodiscard]] CK_RV get_info(Faulted& faulted) {
    CK_INFO info{};
    return faulted.p11().C_GetInfo(&info);
}

/// The faults that the log has at the calls of a function.
[[nodiscard]] std::vector<std::vector<std::string>> logged_faults(Faulted& faulted, const std::string& function) {
    std::vector<std::vector<std::string>> found;
    for (const auto& line : faulted.fault().log()) {
        const auto call = nlohmann::json::parse(line);
        if (call.value("function", "") == function) {
            found.push_back(call.value("faults", std::vector<std::string>()));
        }
    }
    return found;
}

} // namespace

TEST_CASE("a PIN that is rejected is its owner's, and other logins do not count") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "pin-rejected", "owner": "user", "times": 1}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto session = faulted.open();
    CHECK(login_officer(faulted, session) == CKR_OK);
    CHECK(faulted.p11().C_Logout(session) == CKR_OK);
    CHECK(faulted.login(session) == CKR_PIN_INCORRECT);
    CHECK(faulted.login(session) == CKR_OK);
    using Names = std::vector<std::string>;
    CHECK(logged_faults(faulted, "C_Login") == std::vector<Names>{{}, {"pin-rejected"}, {}});
}

TEST_CASE("a fault that another was faster than is still to come") {
    Faulted faulted({.plan = R"({"faults": [
        {"fault": "return", "function": "C_GetInfo", "rv": "CKR_DEVICE_ERROR", "times": 1},
        {"fault": "return", "function": "C_GetInfo", "rv": "CKR_DEVICE_MEMORY", "times": 1},
        {"fault": "return", "function": "C_GetInfo", "rv": "CKR_FUNCTION_FAILED", "times": 1, "when": "after"}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    std::vector<CK_RV> answers;
    for (int i = 0; i < 4; ++i) {
        answers.push_back(get_info(faulted));
    }
    CHECK(answers == std::vector<CK_RV>{CKR_DEVICE_ERROR, CKR_DEVICE_MEMORY, CKR_FUNCTION_FAILED, CKR_OK});
    using Names = std::vector<std::string>;
    CHECK(logged_faults(faulted, "C_GetInfo") == std::vector<Names>{{"return"}, {"return"}, {"return"}, {}});
}

TEST_CASE("sessions are counted anew when the module is") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "return", "function": "C_GetSessionInfo", "rv": "CKR_DEVICE_ERROR",
        "at": 1, "count": "per-session"}]})"});
    for (int i = 0; i < 2; ++i) {
        REQUIRE(faulted.initialise() == CKR_OK);
        CK_SESSION_INFO info{};
        const auto session = faulted.open();
        CHECK(faulted.p11().C_GetSessionInfo(session, &info) == CKR_DEVICE_ERROR);
        CHECK(faulted.p11().C_GetSessionInfo(session, &info) == CKR_OK);
        CHECK(faulted.finalise() == CKR_OK);
    }
}

TEST_CASE("wrong PINs lock the PIN of one token only") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "pin-tries", "tries": 2}]})"});
    const auto& other = faulted.token().store().add_token({.label = "other"});
    REQUIRE(faulted.initialise() == CKR_OK);
    std::vector<CK_RV> answers;
    for (const CK_SLOT_ID slot : faulted.slots()) {
        CK_TOKEN_INFO info{};
        REQUIRE(faulted.p11().C_GetTokenInfo(slot, &info) == CKR_OK);
        CK_SESSION_HANDLE session = 0;
        REQUIRE(faulted.p11().C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session) == CKR_OK);
        if (std::string(reinterpret_cast<const char*>(info.label), 5) == "other") {
            CHECK(faulted.login(session, other.user_pin) == CKR_OK);
            CHECK((info.flags & CKF_USER_PIN_LOCKED) == 0);
        } else {
            CHECK(faulted.login(session, "wrong") == CKR_PIN_INCORRECT);
            CHECK(faulted.login(session, "wrong") == CKR_PIN_INCORRECT);
            CHECK(faulted.login(session) == CKR_PIN_LOCKED);
        }
    }
    CHECK(faulted.slots().size() == 2);
}

TEST_CASE("a locked PIN can be neither used nor changed, until the token is made anew") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "pin-tries", "tries": 1}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    auto session = faulted.open();
    CHECK(faulted.login(session, "wrong") == CKR_PIN_INCORRECT);
    std::string pin = faulted.token().user_pin();
    std::string officer_pin = faulted.token().so_pin();
    std::string label(32, 'x');
    CHECK(faulted.p11().C_SetPIN(session, utf8(pin), pin.size(), utf8(pin), pin.size()) == CKR_PIN_LOCKED);
    CHECK(faulted.login(session) == CKR_PIN_LOCKED);
    REQUIRE(faulted.p11().C_CloseSession(session) == CKR_OK);
    REQUIRE(faulted.p11().C_InitToken(faulted.slot(), utf8(officer_pin), officer_pin.size(), utf8(label)) == CKR_OK);
    CHECK((faulted.token_info().flags & CKF_USER_PIN_LOCKED) == 0);
}

TEST_CASE("there are no more sessions than the cap, also when threads open them at once") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "session-cap", "sessions": 3}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    const auto slot = faulted.slot();
    std::vector<int> opened;
    for (int round = 0; round < 100; ++round) {
        std::atomic<int> ready = 0;
        std::atomic<int> good = 0;
        std::vector<std::thread> threads;
        for (int i = 0; i < 6; ++i) {
            threads.emplace_back([&] {
                ++ready;
                while (ready < 6) {
                }
                CK_SESSION_HANDLE session = 0;
                good += faulted.p11().C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session) == CKR_OK ? 1 : 0;
            });
        }
        for (auto& thread : threads) {
            thread.join();
        }
        opened.push_back(good);
        REQUIRE(faulted.p11().C_CloseAllSessions(slot) == CKR_OK);
    }
    CHECK(opened == std::vector<int>(100, 3));
}

TEST_CASE("C_Finalize does not wait for ever for a call that looks for swapped keys") {
    Faulted faulted({.plan = R"({"faults": [{"fault": "key-swapped", "function": "C_GetObjectSize", "at": 1, "label": "none",
        "with": "none either"}]})"});
    REQUIRE(faulted.initialise() == CKR_OK);
    for (int i = 0; i < 20; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            // SoftHSM may crash when it ends while it is used; it must not hang.
            for (const int crash : {SIGSEGV, SIGABRT, SIGBUS}) {
                std::signal(crash, SIG_DFL);
            }
            ::alarm(20);
            CK_SESSION_HANDLE session = 0;
            if (faulted.initialise() != CKR_OK ||
                faulted.p11().C_OpenSession(faulted.slots().at(0), CKF_SERIAL_SESSION, nullptr, nullptr, &session) != CKR_OK) {
                ::_exit(1);
            }
            std::vector<std::thread> users;
            for (int thread = 0; thread < 4; ++thread) {
                users.emplace_back([&] {
                    CK_ULONG size = 0;
                    while (faulted.p11().C_GetObjectSize(session, 1, &size) != CKR_CRYPTOKI_NOT_INITIALIZED) {
                    }
                });
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            faulted.finalise();
            for (auto& user : users) {
                user.join();
            }
            ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE_FALSE((WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM));
        REQUIRE_FALSE((WIFEXITED(status) && WEXITSTATUS(status) == 1));
    }
}

TEST_CASE("a module that somebody else has initialised is in use") {
    Faulted faulted;
    void* const library = ::dlopen(faulted.token().module_path().c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library != nullptr);
    CK_FUNCTION_LIST* real = nullptr;
    REQUIRE(reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"))(&real) == CKR_OK);
    REQUIRE(real->C_Initialize(nullptr) == CKR_OK);
    CHECK(faulted.initialise() == CKR_CRYPTOKI_ALREADY_INITIALIZED);
    const auto slot = faulted.slot();
    faulted.fault().inject(R"({"fault": "device-removed"})");
    CHECK(faulted.slots().empty());
    CK_SLOT_ID changed = 0;
    CHECK(faulted.p11().C_WaitForSlotEvent(CKF_DONT_BLOCK, &changed, nullptr) == CKR_OK);
    CHECK(changed == slot);
}

TEST_CASE("a program with a C_GetFunctionList of its own gets the module's") {
    Faulted faulted;
    CHECK(std::system(("'" INTERPOSER "' '" + faulted.fault().path().string() + "'").c_str()) == 0);
}
