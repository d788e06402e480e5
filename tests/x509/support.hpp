// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>
#include <keyway/x509/certificate.hpp>

#include "support/process.hpp"
#include "support/temporary_folder.hpp"

#include <botan/pk_keys.h>
#include <botan/rng.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::test {

[[nodiscard]] Botan::RandomNumberGenerator& rng();

/// A new key: "RSA-2048", "DSA-2048", "Ed25519", "Ed448", "ML-DSA-6x5", "SLH-DSA-SHA2-128f", or the name of a
/// curve.
[[nodiscard]] std::unique_ptr<Botan::Private_Key> make_key(std::string_view type);

/// Midnight of a day, or later by so many seconds.
[[nodiscard]] Time day(int year, unsigned month, unsigned day_of_month,
                       std::chrono::seconds later = std::chrono::seconds(0));

/// The day on which the certificates of the tests are looked at.
[[nodiscard]] Time today();

/// From a year before today until so many years after.
[[nodiscard]] x509::Validity valid_for_years(int years);

[[nodiscard]] std::span<const std::uint8_t> bytes_of(std::string_view text);

/// A temporary folder to put files into and take them out again.
class Folder : public TemporaryFolder {
public:
    void write(const std::string& name, const std::string& content) const;
    [[nodiscard]] std::string read(const std::string& name) const;
};

/// Runs openssl in a folder; fails the test when it ends with another status than 0.
std::string openssl(const Folder& folder, std::vector<std::string> arguments);

/// Runs openssl in a folder, whatever its status.
[[nodiscard]] ProcessResult try_openssl(const Folder& folder, std::vector<std::string> arguments);

/// Today as `openssl verify -attime` takes it.
[[nodiscard]] std::string attime();

/// The private key in PKCS #8 PEM, for openssl to use.
[[nodiscard]] std::string private_key_pem(const Botan::Private_Key& key);

/// The class of the error that a call throws; nothing where it throws none.
template <typename Call>
[[nodiscard]] std::optional<Errc> error_of(Call&& call) {
    try {
        static_cast<void>(std::forward<Call>(call)());
        return std::nullopt;
    } catch(const Error& error) {
        return error.code();
    }
}

/// The message of the error that a call throws; empty where it throws none.
template <typename Call>
[[nodiscard]] std::string message_of(Call&& call) {
    try {
        static_cast<void>(std::forward<Call>(call)());
        return {};
    } catch(const Error& error) {
        return error.message();
    }
}

/// The hint of the error that a call throws; empty where it throws none.
template <typename Call>
[[nodiscard]] std::string hint_of(Call&& call) {
    try {
        static_cast<void>(std::forward<Call>(call)());
        return {};
    } catch(const Error& error) {
        return error.hint();
    }
}

/// A CA made for a test: its key, its certificate, and what it signs with.
struct TestAuthority {
    std::unique_ptr<Botan::Private_Key> key;
    Botan::X509_Certificate certificate;

    [[nodiscard]] x509::Issuer issuer(const SignatureWish& wish = {}) const {
        return {certificate, *key, rng(), wish};
    }
};

/// A root valid for ten years.
[[nodiscard]] TestAuthority make_root(std::string_view key_type = "secp256r1", const SignatureWish& wish = {},
                                      std::optional<std::size_t> path_length = std::nullopt);

/// Fields of a server certificate valid for a year.
[[nodiscard]] x509::CertificateFields server_fields();

}  // namespace keyway::test
