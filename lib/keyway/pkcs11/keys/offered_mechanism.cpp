// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/offered_mechanism_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

namespace keyway::pkcs11 {

bool offers(FunctionList& calls, CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_FLAGS use) {
    CK_MECHANISM_INFO info{};
    const auto result = calls.C_GetMechanismInfo(slot, type, &info);
    if(result != CKR_OK && result != CKR_MECHANISM_INVALID) {
        throw call_failed(result, "ask the token for a mechanism");
    }
    return result == CKR_OK && (info.flags & use) == use;
}

CK_SLOT_ID slot_of(const Session& session) {
    CK_SESSION_INFO where{};
    if(const auto result = session.calls().C_GetSessionInfo(session.handle(), &where); result != CKR_OK) {
        throw call_failed(result, "ask a session for its token");
    }
    return where.slotID;
}

}  // namespace keyway::pkcs11
