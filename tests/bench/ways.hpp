// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <bench/kinds.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace keyway::bench {

/// Signs the one message again and again, for one thread.
class Signer {
public:
    Signer() = default;
    Signer(const Signer&) = delete;
    Signer& operator=(const Signer&) = delete;
    virtual ~Signer() = default;

    /// @param out begins with the signature; its memory is used again where the way can
    virtual void sign(std::vector<std::uint8_t>& out) = 0;

    /// How many bytes of `out` the last signature took.
    [[nodiscard]] virtual std::size_t last_size() const noexcept = 0;
};

/// One of the ways that are compared.
/// @threadsafety for one thread; its signers are used by one thread each
class Way {
public:
    Way() = default;
    Way(const Way&) = delete;
    Way& operator=(const Way&) = delete;
    virtual ~Way() = default;

    [[nodiscard]] virtual std::unique_ptr<Signer> signer(const Kind& kind) = 0;
};

/// The token that the test kit described in the environment.
struct Place {
    std::string module;       ///< path
    std::string token_label;
    std::string pin;
    std::string pin_file;

    /// @throws std::runtime_error when a variable is missing
    [[nodiscard]] static Place of_environment();
};

/// A way that this build does not have: it is left out, with the reason.
class Absent : public std::exception {
public:
    explicit Absent(std::string why) : why_(std::move(why)) {}
    [[nodiscard]] const char* what() const noexcept override { return why_.c_str(); }

private:
    std::string why_;
};

/// "raw", "raw-control", "raw-hashing", "raw-copies", "naive", "keyway", "keyway-new", "keyway-copies"; the program with
/// OpenSSL has "openssl" alone.
/// @throws Absent; std::runtime_error when there is no such way
[[nodiscard]] std::unique_ptr<Way> open_way(std::string_view name, const Place& place);

enum class RawStyle {
    plain,           ///< C_SignInit and C_Sign on input that is ready
    hashing,         ///< the message is hashed by Botan before each
    session_copies,  ///< each session signs with a copy of the key that lives in it
    naive,           ///< open a session, log in, find the key, sign, close
};
[[nodiscard]] std::unique_ptr<Way> raw_way(const Place& place, RawStyle style);

enum class KeywayStyle {
    reused,          ///< one PK_Signer per thread
    renewed,         ///< a new PK_Signer per signature
    session_copies,  ///< reused, the backend set to sign with session copies
};
[[nodiscard]] std::unique_ptr<Way> keyway_way(const Place& place, KeywayStyle style);

}  // namespace keyway::bench
