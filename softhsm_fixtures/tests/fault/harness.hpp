// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/fault_module.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <p11-kit/pkcs11.h>

#include <cstdint>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace fault_test {

using Bytes = std::vector<CK_BYTE>;

/// A key pair in the token.
struct KeyPair {
    CK_OBJECT_HANDLE public_key = 0;
    CK_OBJECT_HANDLE private_key = 0;
};

/// A SoftHSM token behind the fault module, used past every library: each call answers its CK_RV.
class Faulted {
public:
    explicit Faulted(const softhsm_fixtures::FaultOptions& options = {});
    ~Faulted();
    Faulted(const Faulted&) = delete;
    Faulted& operator=(const Faulted&) = delete;

    [[nodiscard]] softhsm_fixtures::SoftHsmToken& token() { return fixture_.token(); }
    [[nodiscard]] softhsm_fixtures::FaultModule& fault() { return fault_; }
    [[nodiscard]] CK_FUNCTION_LIST& p11() { return *functions_; }

    [[nodiscard]] CK_RV initialise();
    CK_RV finalise();

    /// The slots with an initialised token.
    [[nodiscard]] std::vector<CK_SLOT_ID> slots();
    [[nodiscard]] CK_SLOT_ID slot() { return slots().at(0); }
    [[nodiscard]] CK_TOKEN_INFO token_info();

    /// A session on the token; it has to work.
    [[nodiscard]] CK_SESSION_HANDLE open(CK_FLAGS more = CKF_RW_SESSION);
    [[nodiscard]] CK_RV try_open(CK_FLAGS more = CKF_RW_SESSION);
    [[nodiscard]] CK_RV login(CK_SESSION_HANDLE session, std::optional<std::string> pin = std::nullopt);
    /// open() and login()
    [[nodiscard]] CK_SESSION_HANDLE ready();

    [[nodiscard]] KeyPair make_key(CK_SESSION_HANDLE session, const std::string& label);
    [[nodiscard]] std::vector<CK_OBJECT_HANDLE> find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS kind,
                                                     const std::string& label);
    struct Signed {
        CK_RV init = CKR_OK;
        CK_RV sign = CKR_OK; ///< as init when that failed
        Bytes signature;
    };
    [[nodiscard]] Signed sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key);
    [[nodiscard]] CK_RV verify(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, Bytes signature);
    struct Attribute {
        CK_RV value = CKR_OK;
        Bytes bytes;
    };
    [[nodiscard]] Attribute attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

private:
    softhsm_fixtures::SoftHsmFixture fixture_;
    softhsm_fixtures::FaultModule fault_;
    CK_FUNCTION_LIST* functions_ = nullptr;
};

/// Ends the child that `work` runs in with what it returns, without the parent's handlers.
template <typename Work>
[[nodiscard]] int status_of_child(const Work& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(work());
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace fault_test
