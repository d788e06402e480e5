// SPDX-License-Identifier: BSD-2-Clause
#include "names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace pkcs11_names {
namespace {

constexpr Constant return_value_table[] = {
#include "return_values.inc"
};
constexpr Constant mechanism_table[] = {
#include "mechanisms.inc"
};
constexpr Constant attribute_table[] = {
#include "attributes.inc"
};
constexpr Constant object_class_table[] = {
#include "object_classes.inc"
};
constexpr Constant key_type_table[] = {
#include "key_types.inc"
};

constexpr bool below(const Constant& one, const Constant& other) noexcept { return one.value < other.value; }

// What known_name() looks up by halving.
static_assert(std::ranges::is_sorted(return_value_table, below));
static_assert(std::ranges::is_sorted(mechanism_table, below));
static_assert(std::ranges::is_sorted(attribute_table, below));
static_assert(std::ranges::is_sorted(object_class_table, below));
static_assert(std::ranges::is_sorted(key_type_table, below));

/// CKR_VENDOR_DEFINED and the like: each family keeps the numbers from here on for vendors.
constexpr CK_ULONG vendor_defined = 0x80000000UL;

[[nodiscard]] std::string_view vendor_name(Family family) noexcept {
    switch (family) {
    case Family::return_values: return "CKR_VENDOR_DEFINED";
    case Family::mechanisms: return "CKM_VENDOR_DEFINED";
    case Family::attributes: return "CKA_VENDOR_DEFINED";
    case Family::object_classes: return "CKO_VENDOR_DEFINED";
    case Family::key_types: break;
    }
    return "CKK_VENDOR_DEFINED";
}

[[nodiscard]] std::string hexadecimal(CK_ULONG value) {
    std::array<char, 2 * sizeof value> digits{};
    const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return "0x" + std::string(digits.data(), result.ptr);
}

[[nodiscard]] std::optional<CK_ULONG> hexadecimal_value(std::string_view text) noexcept {
    if (!text.starts_with("0x")) {
        return std::nullopt;
    }
    text.remove_prefix(2);
    CK_ULONG value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (result.ec != std::errc() || result.ptr != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

} // namespace

std::span<const Constant> constants(Family family) noexcept {
    switch (family) {
    case Family::return_values: return return_value_table;
    case Family::mechanisms: return mechanism_table;
    case Family::attributes: return attribute_table;
    case Family::object_classes: return object_class_table;
    case Family::key_types: break;
    }
    return key_type_table;
}

std::optional<std::string_view> known_name(Family family, CK_ULONG value) noexcept {
    const auto table = constants(family);
    const auto found = std::ranges::lower_bound(table, value, {}, &Constant::value);
    if (found == table.end() || found->value != value) {
        return std::nullopt;
    }
    return found->name;
}

std::string name_of(Family family, CK_ULONG value) {
    if (const auto name = known_name(family, value)) {
        return std::string(*name);
    }
    // Above 32 bits the bit is one of many: "CKR_VENDOR_DEFINED|0x7fffffff..." would say nothing.
    if (value > vendor_defined && value <= 0xffffffffUL) {
        return std::string(vendor_name(family)) + "|" + hexadecimal(value - vendor_defined);
    }
    return hexadecimal(value);
}

std::optional<CK_ULONG> find(Family family, std::string_view name) noexcept {
    for (const auto& constant : constants(family)) {
        if (constant.name == name) {
            return constant.value;
        }
    }
    const auto vendor = vendor_name(family);
    if (name.starts_with(vendor) && name.substr(vendor.size()).starts_with("|")) {
        const auto rest = hexadecimal_value(name.substr(vendor.size() + 1));
        if (!rest || *rest >= vendor_defined) {
            return std::nullopt;
        }
        return vendor_defined | *rest;
    }
    return hexadecimal_value(name);
}

} // namespace pkcs11_names
