// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/quirks/names_internal.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace keyway::pkcs11 {

namespace {

struct Constant {
    std::string_view name;
    CK_ULONG value;
};

constexpr Constant mechanism_table[] = {
#include <keyway/pkcs11/quirks/names/mechanisms.inc>
};
constexpr Constant attribute_table[] = {
#include <keyway/pkcs11/quirks/names/attributes.inc>
};
constexpr Constant return_value_table[] = {
#include <keyway/pkcs11/quirks/names/return_values.inc>
};

std::span<const Constant> constants(NameFamily family) {
    switch(family) {
        case NameFamily::mechanisms:
            return mechanism_table;
        case NameFamily::attributes:
            return attribute_table;
        case NameFamily::return_values:
            return return_value_table;
    }
    return {};
}

}  // namespace

std::optional<CK_ULONG> constant_value(NameFamily family, std::string_view name) {
    const auto table = constants(family);
    if(const auto found = std::ranges::find(table, name, &Constant::name); found != table.end()) {
        return found->value;
    }
    constexpr std::string_view hexadecimal = "0x";
    if(!name.starts_with(hexadecimal)) {
        return std::nullopt;
    }
    name.remove_prefix(hexadecimal.size());
    CK_ULONG value = 0;
    const auto* const end = name.data() + name.size();
    const auto result = std::from_chars(name.data(), end, value, 16);
    if(result.ec != std::errc{} || result.ptr != end) {
        return std::nullopt;
    }
    return value;
}

std::string constant_name(NameFamily family, CK_ULONG value) {
    const auto table = constants(family);
    // Of several names for a number the first is the usual one.
    if(const auto found = std::ranges::find(table, value, &Constant::value); found != table.end()) {
        return std::string(found->name);
    }
    std::array<char, 2 * sizeof(value)> digits{};
    const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return "0x" + std::string(digits.data(), result.ptr);
}

std::vector<std::string> constant_names(NameFamily family) {
    std::vector<std::string> names;
    for(const auto& constant : constants(family)) {
        names.emplace_back(constant.name);
    }
    return names;
}

const std::vector<std::string>& function_names() {
    static const std::vector<std::string> names{
        "C_WaitForSlotEvent",  "C_InitToken",          "C_InitPIN",
        "C_SetPIN",            "C_GetSessionInfo",     "C_GetOperationState",
        "C_SetOperationState", "C_CreateObject",       "C_CopyObject",
        "C_DestroyObject",     "C_GetObjectSize",      "C_SetAttributeValue",
        "C_EncryptInit",       "C_DecryptInit",        "C_DigestInit",
        "C_DigestKey",         "C_SignUpdate",         "C_SignRecoverInit",
        "C_VerifyInit",        "C_VerifyRecoverInit",  "C_DigestEncryptUpdate",
        "C_DecryptDigestUpdate", "C_SignEncryptUpdate", "C_DecryptVerifyUpdate",
        "C_GenerateKey",       "C_GenerateKeyPair",    "C_WrapKey",
        "C_UnwrapKey",         "C_DeriveKey",          "C_SeedRandom",
        "C_GenerateRandom",    "C_Logout",
    };
    return names;
}

}  // namespace keyway::pkcs11
