// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <bench/ways.hpp>

#include <p11-kit/pkcs11.h>

#include <string_view>

namespace keyway::bench {

/// A PKCS#11 module as a C program uses it: the function list from the library itself, initialised with the locking of
/// the operating system. It stays until the process ends.
class RawToken {
public:
    explicit RawToken(const Place& place);

    [[nodiscard]] CK_FUNCTION_LIST& calls() const noexcept { return *calls_; }
    [[nodiscard]] CK_SLOT_ID slot() const noexcept { return slot_; }

    [[nodiscard]] CK_SESSION_HANDLE open_session() const;
    /// A login that is there already is as good.
    void log_in(CK_SESSION_HANDLE session) const;
    [[nodiscard]] CK_OBJECT_HANDLE find_private_key(CK_SESSION_HANDLE session, std::string_view label) const;

private:
    const Place place_;
    CK_FUNCTION_LIST* calls_ = nullptr;
    CK_SLOT_ID slot_ = 0;
};

/// @throws std::runtime_error naming the call
void require_ok(CK_RV result, std::string_view call);

}  // namespace keyway::bench
