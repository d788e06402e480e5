// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../module.hpp"

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

namespace fill {

using Bytes = std::vector<std::uint8_t>;

/// The attributes of an object, with their values.
class Template {
public:
    void add(CK_ATTRIBUTE_TYPE type, Bytes value);
    void add_text(CK_ATTRIBUTE_TYPE type, const std::string& value) {
        add(type, Bytes(value.begin(), value.end()));
    }
    void add_number(CK_ATTRIBUTE_TYPE type, CK_ULONG value);
    void add_flag(CK_ATTRIBUTE_TYPE type, bool value) {
        add(type, Bytes{static_cast<std::uint8_t>(value ? 1 : 0)});
    }

    /// The value of an attribute that was added with add_flag(); nullopt when it was not.
    [[nodiscard]] std::optional<bool> flag(CK_ATTRIBUTE_TYPE type) const;

    /// Takes an attribute out again when it is a flag that is false.
    void leave_out_if_false(CK_ATTRIBUTE_TYPE type);

    /// As the functions of PKCS#11 take it; valid until the template changes.
    [[nodiscard]] std::vector<CK_ATTRIBUTE> attributes();

private:
    struct Attribute {
        CK_ATTRIBUTE_TYPE type;
        Bytes value;
    };
    [[nodiscard]] Attribute* find(CK_ATTRIBUTE_TYPE type);

    std::list<Attribute> attributes_;
};

/// How the token is found.
struct TokenChoice {
    std::optional<std::string> serial;
    std::optional<std::string> label;
};

/// One token of an initialised module, with a session in which one of its PINs is logged in. Finalised at the
/// end.
class TokenSession {
public:
    /// @throws helper::Failure when there is no such token, or more than one
    TokenSession(const std::string& module, const std::optional<std::string>& init_arguments,
                 const TokenChoice& choice);
    ~TokenSession();
    TokenSession(const TokenSession&) = delete;
    TokenSession& operator=(const TokenSession&) = delete;

    /// Ends the login that is there and logs in.
    void login(CK_USER_TYPE who, const std::string& pin_file);

    [[nodiscard]] CK_OBJECT_HANDLE create(Template& object);

    struct Pair {
        CK_OBJECT_HANDLE public_key = 0;
        CK_OBJECT_HANDLE private_key = 0;
    };
    [[nodiscard]] Pair generate_pair(CK_MECHANISM_TYPE mechanism, Template& public_key,
                                     Template& private_key);
    [[nodiscard]] CK_OBJECT_HANDLE generate_key(CK_MECHANISM_TYPE mechanism, Template& key);
    [[nodiscard]] Bytes attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
    void set_attributes(CK_OBJECT_HANDLE object, Template& attributes);
    void destroy(CK_OBJECT_HANDLE object);

    /// @param authenticate logs in once more between C_SignInit and C_Sign, with the PIN of login()
    [[nodiscard]] Bytes sign(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism, const Bytes& data,
                             bool authenticate);

private:
    void open(const TokenChoice& choice);

    CK_FUNCTION_LIST& p11_;
    CK_SESSION_HANDLE session_ = 0;
    bool logged_in_ = false;
    std::vector<CK_UTF8CHAR> pin_;
};

} // namespace fill
