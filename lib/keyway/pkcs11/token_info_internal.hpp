// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/cryptoki_internal.hpp>
#include <keyway/pkcs11/token_info.hpp>

namespace keyway::pkcs11 {

/// What C_GetTokenInfo told of the token in a slot.
[[nodiscard]] TokenInfo to_token_info(CK_SLOT_ID slot, const CK_TOKEN_INFO& raw);

}  // namespace keyway::pkcs11
