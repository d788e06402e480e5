// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <p11-kit/pkcs11.h>

#include <filesystem>
#include <list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// What measures whether a PKCS#11 module does what its data file says.
namespace probe {

using Bytes = std::vector<CK_BYTE>;

[[nodiscard]] Bytes from_hex(std::string_view hex);
[[nodiscard]] Bytes from_text(std::string_view text);

/// The module does not do what was asked of it: the answer "no" to a measurement, with the reason.
class Refused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A function of the module returned something else than CKR_OK.
class RefusedBy : public Refused {
public:
    RefusedBy(const char* function, CK_RV value);
    [[nodiscard]] CK_RV value() const noexcept { return value_; }

private:
    CK_RV value_;
};

/// @throws RefusedBy when the value is not CKR_OK
void check(const char* function, CK_RV value);

/// @throws Refused with the reason when it does not hold
void require(bool holds, const std::string& reason_if_not);

/// The token to measure on.
struct Target {
    std::filesystem::path module;
    std::string init_arguments;
    std::string label;
    std::string user_pin;
    std::string so_pin;
    std::filesystem::path folder; ///< for files of the measurement
};

/// Attributes of an object, to make or to find.
class Template {
public:
    Template& number(CK_ATTRIBUTE_TYPE type, CK_ULONG value);
    Template& flag(CK_ATTRIBUTE_TYPE type, bool value);
    Template& bytes(CK_ATTRIBUTE_TYPE type, Bytes value);
    Template& text(CK_ATTRIBUTE_TYPE type, std::string_view value) { return bytes(type, from_text(value)); }

    [[nodiscard]] CK_ATTRIBUTE* data() noexcept { return attributes_.data(); }
    [[nodiscard]] CK_ULONG size() const noexcept { return attributes_.size(); }

    Template() = default;
    Template(const Template& other);
    Template& operator=(const Template&) = delete;

private:
    std::list<Bytes> values_; // a list: the attributes point into it
    std::vector<CK_ATTRIBUTE> attributes_;
};

/// A mechanism with its parameter, which is copied.
class Mechanism {
public:
    Mechanism(CK_MECHANISM_TYPE type) : mechanism_{type, nullptr, 0} {} // NOLINT(google-explicit-constructor)
    /// The parameter must outlive the mechanism.
    template <typename Parameter>
    Mechanism(CK_MECHANISM_TYPE type, Parameter& parameter) : mechanism_{type, &parameter, sizeof parameter} {}
    Mechanism(CK_MECHANISM_TYPE type, Bytes& parameter) : mechanism_{type, parameter.data(), parameter.size()} {}

    [[nodiscard]] CK_MECHANISM* get() noexcept { return &mechanism_; }

private:
    CK_MECHANISM mechanism_;
};

/// The module of this process, loaded, initialised and finalised at the end.
class Module {
public:
    /// @param with_arguments false leaves out the target's init_arguments
    explicit Module(const Target& target, bool with_arguments = true);
    ~Module();
    Module(const Module&) = delete;
    Module& operator=(const Module&) = delete;

    [[nodiscard]] CK_FUNCTION_LIST& p11() const noexcept { return *p11_; }
    [[nodiscard]] const Target& target() const noexcept { return target_; }

    /// A symbol of the library, or null.
    [[nodiscard]] void* symbol(const char* name) const;

    /// The slots with a token.
    [[nodiscard]] std::vector<CK_SLOT_ID> slots() const;
    [[nodiscard]] CK_TOKEN_INFO token_info(CK_SLOT_ID slot) const;

    /// The slot of the target's token, by its label.
    ///
    /// @throws Refused when there is none
    [[nodiscard]] CK_SLOT_ID slot() const { return slot_of(target_.label); }
    [[nodiscard]] CK_SLOT_ID slot_of(const std::string& label) const;

    void initialise(bool with_arguments = true) const;
    void finalise() const;

private:
    const Target& target_;
    void* library_;
    CK_FUNCTION_LIST* p11_ = nullptr;
};

/// A session, closed at the end.
class Session {
public:
    enum class Login { none, user };

    explicit Session(const Module& module, Login login = Login::user);
    Session(const Module& module, CK_SLOT_ID slot, Login login);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    [[nodiscard]] CK_FUNCTION_LIST& p11() const noexcept { return module_.p11(); }
    [[nodiscard]] const Module& module() const noexcept { return module_; }
    [[nodiscard]] CK_SESSION_HANDLE handle() const noexcept { return handle_; }

    void log_in(CK_USER_TYPE user, const std::string& pin);
    void log_out();

    [[nodiscard]] CK_OBJECT_HANDLE create(Template attributes);
    [[nodiscard]] CK_OBJECT_HANDLE copy(CK_OBJECT_HANDLE object, Template attributes);
    [[nodiscard]] std::vector<CK_OBJECT_HANDLE> find(Template attributes);
    /// @throws RefusedBy also when the attribute is there but cannot be revealed
    [[nodiscard]] Bytes get(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

    [[nodiscard]] CK_OBJECT_HANDLE generate(Mechanism mechanism, Template attributes);
    /// More than any signature, ciphertext or wrapped key of the measurements.
    static constexpr CK_ULONG large_enough = 16384;

    /// @param size of the buffer for the signature
    [[nodiscard]] Bytes sign(Mechanism mechanism, CK_OBJECT_HANDLE key, Bytes data, CK_ULONG size = large_enough);
    [[nodiscard]] Bytes sign_in_parts(Mechanism mechanism, CK_OBJECT_HANDLE key, Bytes data);
    void verify(Mechanism mechanism, CK_OBJECT_HANDLE key, Bytes data, Bytes signature);
    [[nodiscard]] Bytes encrypt(Mechanism mechanism, CK_OBJECT_HANDLE key, Bytes data);
    [[nodiscard]] Bytes decrypt(Mechanism mechanism, CK_OBJECT_HANDLE key, Bytes data);
    [[nodiscard]] Bytes wrap(Mechanism mechanism, CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE key);
    [[nodiscard]] CK_OBJECT_HANDLE unwrap(Mechanism mechanism, CK_OBJECT_HANDLE by, Bytes wrapped,
                                          Template attributes);
    [[nodiscard]] CK_OBJECT_HANDLE derive(Mechanism mechanism, CK_OBJECT_HANDLE base, Template attributes);

private:
    const Module& module_;
    CK_SESSION_HANDLE handle_ = 0;
};

} // namespace probe
