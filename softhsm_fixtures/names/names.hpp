// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <p11-kit/pkcs11.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The names and numbers of PKCS#11 3.2, whatever the version of the header at hand.
namespace pkcs11_names {

/// A constant of the standard.
struct Constant {
    std::string_view name;
    CK_ULONG value;
};

/// The families of constants: CKR_, CKM_, CKA_, CKO_, CKK_.
enum class Family { return_values, mechanisms, attributes, object_classes, key_types };

/// All names of a family, by number; of several names for a number the first is the one that is printed.
[[nodiscard]] std::span<const Constant> constants(Family family) noexcept;

/// The name of a number in the standard.
[[nodiscard]] std::optional<std::string_view> known_name(Family family, CK_ULONG value) noexcept;

/// "CKM_RSA_PKCS", "CKM_VENDOR_DEFINED|0x1", or "0x4711" for a number that has no name.
[[nodiscard]] std::string name_of(Family family, CK_ULONG value);

/// The number of a name. Takes all that name_of() gives: find(f, name_of(f, v)) == v for each v.
[[nodiscard]] std::optional<CK_ULONG> find(Family family, std::string_view name) noexcept;

[[nodiscard]] inline std::string name_of_return_value(CK_RV value) {
    return name_of(Family::return_values, value);
}
[[nodiscard]] inline std::string name_of_mechanism(CK_MECHANISM_TYPE value) {
    return name_of(Family::mechanisms, value);
}
[[nodiscard]] inline std::string name_of_attribute(CK_ATTRIBUTE_TYPE value) {
    return name_of(Family::attributes, value);
}
[[nodiscard]] inline std::string name_of_object_class(CK_OBJECT_CLASS value) {
    return name_of(Family::object_classes, value);
}
[[nodiscard]] inline std::string name_of_key_type(CK_KEY_TYPE value) {
    return name_of(Family::key_types, value);
}

[[nodiscard]] inline std::optional<CK_RV> find_return_value(std::string_view name) noexcept {
    return find(Family::return_values, name);
}
[[nodiscard]] inline std::optional<CK_MECHANISM_TYPE> find_mechanism(std::string_view name) noexcept {
    return find(Family::mechanisms, name);
}
[[nodiscard]] inline std::optional<CK_ATTRIBUTE_TYPE> find_attribute(std::string_view name) noexcept {
    return find(Family::attributes, name);
}
[[nodiscard]] inline std::optional<CK_OBJECT_CLASS> find_object_class(std::string_view name) noexcept {
    return find(Family::object_classes, name);
}
[[nodiscard]] inline std::optional<CK_KEY_TYPE> find_key_type(std::string_view name) noexcept {
    return find(Family::key_types, name);
}

} // namespace pkcs11_names
