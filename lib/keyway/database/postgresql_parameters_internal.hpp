// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/secret.hpp>

#include <chrono>
#include <map>
#include <string>

namespace keyway::database {

/// The parameters of a connection, without a password: libpq's keywords and their values.
/// @threadsafety immutable
class PostgresqlParameters {
public:
    /// @param text a connection string or URI
    /// @throws Errc::invalid_option when libpq cannot read it, or it holds a password; it is not repeated in the message
    static PostgresqlParameters parse(const std::string& text);

    /// The connection string for libpq, as a URI: SOCI takes other strings apart at each space.
    ///
    /// @param timeout for the connection, and for data on their way, where the text says nothing of it
    /// @param password_file where libpq is to read the password, and nowhere else; empty to let it look by its own ways
    [[nodiscard]] std::string uri(std::chrono::milliseconds timeout, const std::string& password_file) const;

    /// Which database on which server it is, for messages.
    [[nodiscard]] std::string name() const;

private:
    std::map<std::string, std::string> values_;
};

/// A file that exists in memory only, in which libpq finds a password.
class PasswordFile {
public:
    /// @throws Errc::invalid_argument when the password has a line end; Errc::storage_failed
    explicit PasswordFile(const Secret& password);
    PasswordFile(const PasswordFile&) = delete;
    PasswordFile& operator=(const PasswordFile&) = delete;
    /// Overwrites the password.
    ~PasswordFile();

    [[nodiscard]] std::string path() const;

private:
    int descriptor_ = -1;
    std::size_t size_ = 0;
};

}  // namespace keyway::database
