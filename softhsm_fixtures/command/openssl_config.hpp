// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <string>

namespace softhsm_fixtures::command {

/// What an OpenSSL configuration has to lead to.
struct OpensslRequest {
    std::filesystem::path module; ///< PKCS#11
    std::filesystem::path pin_file;
    std::string pin; ///< only for libp11's engine, which reads none from a file
};

/// An OpenSSL configuration, and by which way it finds the token.
struct OpensslConfig {
    std::string text;
    std::string way; ///< for people: `provider "/usr/lib/..."`, `engine "..."`, or why there is none
};

/// Writes the machine's own configuration on with the default provider and pkcs11-provider, or where that is not installed,
/// libp11's engine.
[[nodiscard]] OpensslConfig openssl_config(const OpensslRequest& request);

} // namespace softhsm_fixtures::command
