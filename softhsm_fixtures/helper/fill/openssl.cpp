// SPDX-License-Identifier: BSD-2-Clause
#include "openssl.hpp"

#include <openssl/err.h>

namespace fill {

helper::Failure crypto_failure(const std::string& what) {
    const unsigned long error = ERR_get_error();
    const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
    ERR_clear_error();
    return helper::Failure(reason == nullptr ? what : what + ": " + reason);
}

void must(int result, const char* what) {
    if (result <= 0) {
        throw crypto_failure(what);
    }
}

} // namespace fill
