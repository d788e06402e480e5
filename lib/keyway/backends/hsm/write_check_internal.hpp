// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/token_internal.hpp>

namespace keyway::hsm {

/// Tries whether objects can be made in the token and destroyed: a public data object (CKO_DATA) with the label
/// `keyway write check` and 16 bytes of zeros in it is written and destroyed again. What a check that was cut short left there goes
/// with it.
/// @throws Errc::token_failed with the return value and why, when the token can only be read; Errc::unsupported when it takes no
///         data objects, so that this cannot be told without making a key; as Token::with_session
void require_writable(pkcs11::Token& token, const pkcs11::PinProvider& pin);

}  // namespace keyway::hsm
