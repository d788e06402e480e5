// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "cryptoki.hpp"

#include <stdexcept>
#include <string>
#include <vector>

/// What the helper programs share: a module, its calls, and files with PINs.
namespace helper {

/// A failure with a text for the report.
class Failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A PKCS#11 function returned something else than CKR_OK.
class CallFailed : public Failure {
public:
    CallFailed(const char* function, CK_RV value);
    [[nodiscard]] CK_RV value() const noexcept { return value_; }

private:
    CK_RV value_;
};

/// @throws CallFailed
void check(const char* function, CK_RV value);

/// A file's bytes, which have to be some.
///
/// @throws Failure
[[nodiscard]] std::vector<CK_UTF8CHAR> read_pin(const std::string& path);

/// The functions of a module that has not been initialised; it stays loaded.
///
/// @throws Failure
[[nodiscard]] CK_FUNCTION_LIST& load(const std::string& module);

/// A field of a token's information without its padding.
template <typename Field>
[[nodiscard]] std::string trimmed(const Field& field) {
    std::string text(std::begin(field), std::end(field));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

/// The slots that hold a token.
[[nodiscard]] std::vector<CK_SLOT_ID> slots_with_token(CK_FUNCTION_LIST& p11);

} // namespace helper
