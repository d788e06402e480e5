// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../support.hpp"

#include <softhsm_fixtures/softhsm_token.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace support {

using Bytes = std::vector<std::uint8_t>;

[[nodiscard]] std::string hex(const Bytes& bytes);
[[nodiscard]] Bytes bytes_of(const std::string& text);

/// One token with the user logged in, looked at by PKCS#11 alone. SOFTHSM2_CONF has to point to it.
class LoggedIn {
public:
    explicit LoggedIn(const softhsm_fixtures::SoftHsmToken& token);
    LoggedIn(const std::filesystem::path& module, const std::string& serial, std::string pin);
    ~LoggedIn();
    LoggedIn(const LoggedIn&) = delete;
    LoggedIn& operator=(const LoggedIn&) = delete;

    /// All objects, sorted, each as `class type "label" id: attributes that are true`.
    [[nodiscard]] std::vector<std::string> objects() const;

    /// The one object of a class with a label.
    [[nodiscard]] CK_OBJECT_HANDLE find(CK_OBJECT_CLASS object_class, const std::string& label) const;

    [[nodiscard]] Bytes attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;

    /// Signs with the private key and verifies with the public key of the label.
    [[nodiscard]] CK_RV sign_and_verify(const std::string& label) const;

    [[nodiscard]] Bytes sign(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism, const Bytes& data) const;

    /// What C_DeriveKey says of a secret from the private key and the public value.
    [[nodiscard]] CK_RV derive(CK_OBJECT_HANDLE private_key, CK_MECHANISM_TYPE mechanism,
                               Bytes public_value) const;

    [[nodiscard]] CK_FUNCTION_LIST& functions() const noexcept { return module_.functions(); }
    [[nodiscard]] CK_SESSION_HANDLE session() const noexcept { return session_; }

private:
    [[nodiscard]] std::vector<CK_OBJECT_HANDLE> all(std::vector<CK_ATTRIBUTE> wanted) const;
    [[nodiscard]] std::string description(CK_OBJECT_HANDLE object) const;
    [[nodiscard]] bool is_true(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;
    [[nodiscard]] CK_ULONG number(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;

    OpenModule module_;
    CK_SESSION_HANDLE session_;
};

} // namespace support
