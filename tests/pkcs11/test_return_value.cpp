// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/cryptoki_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>
#include <support/raises.hpp>

using namespace keyway;
using namespace keyway::pkcs11;

TEST_CASE("a return value keeps its name, and a vendor's its number") {
    CHECK(return_value_name(CKR_PIN_INCORRECT) == "CKR_PIN_INCORRECT");
    CHECK(return_value_name(CKR_GENERAL_ERROR) == "CKR_GENERAL_ERROR");
    CHECK(return_value_name(0x80000042) == "CKR 0x80000042");
}

TEST_CASE("an error tells what failed, the return value and what to do") {
    const auto error = call_failed(CKR_PIN_LOCKED, "log in to token \"ca\"");
    CHECK(error.code() == Errc::pin_locked);
    CHECK(error.message() == "cannot log in to token \"ca\": CKR_PIN_LOCKED");
    CHECK(error.return_value() == "CKR_PIN_LOCKED");
    CHECK_FALSE(error.hint().empty());

    const auto vendor = call_failed(0x80000042, "sign");
    CHECK(vendor.code() == Errc::token_failed);
    CHECK(vendor.message() == "cannot sign: CKR 0x80000042");
    CHECK_FALSE(vendor.hint().empty());
}
