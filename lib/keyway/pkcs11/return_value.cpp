// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/recovery.hpp>
#include <keyway/pkcs11/return_value.hpp>

namespace keyway::pkcs11 {

std::string return_value_name(unsigned long value) {
    if(const auto* const known = find_return_value(value)) {
        return std::string(known->name);
    }
    constexpr std::string_view hex = "0123456789abcdef";
    std::string digits;
    for(auto rest = value; rest != 0; rest >>= 4U) {
        digits.insert(digits.begin(), hex[rest & 0x0fU]);
    }
    return "CKR 0x" + digits;
}

Error call_failed(unsigned long value, std::string_view doing) {
    const auto name = return_value_name(value);
    const auto* const known = find_return_value(value);
    const bool has_hint = known != nullptr && !known->hint.empty();
    return Error(known == nullptr ? Errc::token_failed : known->code,
                 "cannot " + std::string(doing) + ": " + name,
                 has_hint ? std::string(known->hint) : "the token or its module refused; its own log may say why")
        .with_return_value(name);
}

}  // namespace keyway::pkcs11
