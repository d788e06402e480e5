// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/session_internal.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace keyway::pkcs11 {

/// What was read of one object; an attribute that the object lacks, or keeps secret, is not in it. For public values only:
/// they are not wiped.
/// @threadsafety a value
class Attributes {
public:
    void set(CK_ATTRIBUTE_TYPE type, std::vector<std::uint8_t> value);

    /// Null when the object has none.
    [[nodiscard]] const std::vector<std::uint8_t>* find(CK_ATTRIBUTE_TYPE type) const noexcept;

    /// Null as well when it is empty, by which some tokens say that they know no value.
    [[nodiscard]] const std::vector<std::uint8_t>* find_filled(CK_ATTRIBUTE_TYPE type) const noexcept;

    /// Empty when the object has none.
    [[nodiscard]] std::vector<std::uint8_t> bytes(CK_ATTRIBUTE_TYPE type) const;
    [[nodiscard]] std::string text(CK_ATTRIBUTE_TYPE type) const;

    /// Nothing too when the value has another size than a number or flag has.
    [[nodiscard]] std::optional<CK_ULONG> number(CK_ATTRIBUTE_TYPE type) const;
    [[nodiscard]] std::optional<bool> flag(CK_ATTRIBUTE_TYPE type) const;

private:
    std::vector<std::pair<CK_ATTRIBUTE_TYPE, std::vector<std::uint8_t>>> values_;
};

/// C_GetAttributeValue of one object.
using GetAttributes = std::function<CK_RV(CK_ATTRIBUTE* asked, CK_ULONG count)>;

/// Attributes of one object, in one call where each is there and has a usual size, else in two or three.
///
/// Modules that refuse all because of one, or stop at the first that they do not know, are asked for each by itself.
/// @throws Errc::token_failed when a call fails for another reason than that an attribute is missing or secret
[[nodiscard]] Attributes read_attributes(const GetAttributes& get, std::span<const CK_ATTRIBUTE_TYPE> types);
[[nodiscard]] Attributes read_attributes(const Session& session,
                                         CK_OBJECT_HANDLE object,
                                         std::span<const CK_ATTRIBUTE_TYPE> types);

}  // namespace keyway::pkcs11
