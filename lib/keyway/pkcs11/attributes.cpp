// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/attributes_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <algorithm>
#include <cstring>

namespace keyway::pkcs11 {

namespace {

using Bytes = std::vector<std::uint8_t>;

/// More than any attribute that is asked for here has; a module that says more is wrong.
constexpr CK_ULONG largest_value = 1024UL * 1024UL;

/// Room for the attribute as it usually is. More than numbers and flags need, so that a length that a module did not touch
/// shows.
std::size_t usual_room(CK_ATTRIBUTE_TYPE type) {
    switch(type) {
        case CKA_MODULUS:
        case CKA_PUBLIC_KEY_INFO:
            return 1200;  // RSA of 8192 bits
        case CKA_VALUE:
            return 4096;  // of a certificate
        case CKA_ID:
        case CKA_LABEL:
        case CKA_EC_PARAMS:
        case CKA_EC_POINT:
            return 264;
        default:
            return 24;
    }
}

/// The call did what it could, and says by each length what that is.
bool is_partial(CK_RV result) {
    return result == CKR_ATTRIBUTE_TYPE_INVALID || result == CKR_ATTRIBUTE_SENSITIVE || result == CKR_BUFFER_TOO_SMALL;
}

/// What modules say that do not take several attributes at once, or not this one among them.
bool is_refusal(CK_RV result) {
    switch(result) {
        case CKR_ARGUMENTS_BAD:
        case CKR_ATTRIBUTE_VALUE_INVALID:
        case CKR_DATA_INVALID:
        case CKR_DATA_LEN_RANGE:
        case CKR_FUNCTION_FAILED:
        case CKR_FUNCTION_NOT_SUPPORTED:
        case CKR_GENERAL_ERROR:
        case CKR_TEMPLATE_INCOMPLETE:
        case CKR_TEMPLATE_INCONSISTENT:
            return true;
        default:
            return false;
    }
}

[[noreturn]] void fail(CK_RV result) {
    throw call_failed(result, "read an attribute of an object in the token");
}

/// The value of an attribute whose size is known, or nothing when the module says otherwise now.
std::optional<Bytes> read_sized(const GetAttributes& get, CK_ATTRIBUTE_TYPE type, CK_ULONG size) {
    if(size > largest_value) {
        return std::nullopt;
    }
    Bytes value(size);
    CK_ATTRIBUTE attribute{type, value.data(), size};
    // Not for an empty one: with a null pointer the call would mean the size again.
    if(const auto result = value.empty() ? CKR_OK : get(&attribute, 1); is_partial(result)) {
        return std::nullopt;
    } else if(result != CKR_OK) {
        fail(result);
    }
    if(attribute.ulValueLen > size) {
        return std::nullopt;
    }
    value.resize(attribute.ulValueLen);
    return value;
}

std::optional<Bytes> read_alone(const GetAttributes& get, CK_ATTRIBUTE_TYPE type) {
    CK_ATTRIBUTE attribute{type, nullptr, 0};
    const auto result = get(&attribute, 1);
    if(is_partial(result) || (result == CKR_OK && attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION)) {
        return std::nullopt;
    }
    if(result != CKR_OK) {
        fail(result);
    }
    return read_sized(get, type, attribute.ulValueLen);
}

/// Takes what is there from one call with room for the usual; gives back what is still open after it.
std::vector<CK_ATTRIBUTE_TYPE> read_usual(const GetAttributes& get,
                                          std::span<const CK_ATTRIBUTE_TYPE> types,
                                          Attributes& out) {
    std::size_t all_room = 0;
    for(const auto type : types) {
        all_room += usual_room(type);
    }
    Bytes room(all_room);
    std::vector<CK_ATTRIBUTE> asked;
    asked.reserve(types.size());
    std::size_t at = 0;
    for(const auto type : types) {
        asked.push_back({type, &room[at], usual_room(type)});
        at += usual_room(type);
    }
    const auto result = get(asked.data(), asked.size());
    if(result != CKR_OK && !is_partial(result)) {
        if(!is_refusal(result)) {
            fail(result);
        }
        return {types.begin(), types.end()};
    }
    std::vector<CK_ATTRIBUTE_TYPE> open;
    at = 0;
    for(const auto& attribute : asked) {
        const auto given = usual_room(attribute.type);
        const auto length = attribute.ulValueLen;
        if(length < given || (length == given && result == CKR_OK)) {
            const auto begin = room.begin() + static_cast<std::ptrdiff_t>(at);
            out.set(attribute.type, Bytes(begin, begin + static_cast<std::ptrdiff_t>(length)));
        } else if(result != CKR_OK || length != CK_UNAVAILABLE_INFORMATION) {
            open.push_back(attribute.type);  // missing, secret, too large, or passed over
        }
        at += given;
    }
    return open;
}

}  // namespace

void Attributes::set(CK_ATTRIBUTE_TYPE type, Bytes value) {
    values_.emplace_back(type, std::move(value));
}

const Bytes* Attributes::find(CK_ATTRIBUTE_TYPE type) const noexcept {
    const auto found = std::ranges::find(values_, type, &std::pair<CK_ATTRIBUTE_TYPE, Bytes>::first);
    return found == values_.end() ? nullptr : &found->second;
}

const Bytes* Attributes::find_filled(CK_ATTRIBUTE_TYPE type) const noexcept {
    const auto* const value = find(type);
    return value == nullptr || value->empty() ? nullptr : value;
}

Bytes Attributes::bytes(CK_ATTRIBUTE_TYPE type) const {
    const auto* const value = find(type);
    return value == nullptr ? Bytes{} : *value;
}

std::string Attributes::text(CK_ATTRIBUTE_TYPE type) const {
    const auto* const value = find(type);
    return value == nullptr ? std::string{} : std::string(value->begin(), value->end());
}

std::optional<CK_ULONG> Attributes::number(CK_ATTRIBUTE_TYPE type) const {
    const auto* const value = find(type);
    if(value == nullptr || value->size() != sizeof(CK_ULONG)) {
        return std::nullopt;
    }
    CK_ULONG number = 0;
    std::memcpy(&number, value->data(), sizeof(number));
    return number;
}

std::optional<bool> Attributes::flag(CK_ATTRIBUTE_TYPE type) const {
    const auto* const value = find(type);
    if(value == nullptr || value->size() != 1) {
        return std::nullopt;
    }
    return value->front() != CK_FALSE;
}

Attributes read_attributes(const GetAttributes& get, std::span<const CK_ATTRIBUTE_TYPE> types) {
    Attributes out;
    const auto open = read_usual(get, types, out);
    if(open.empty()) {
        return out;
    }
    // The sizes tell which of those are there after all. A length that is not touched tells that the module stopped before.
    constexpr CK_ULONG untouched = 0x7ffffff1;
    std::vector<CK_ATTRIBUTE> sizes;
    sizes.reserve(open.size());
    for(const auto type : open) {
        sizes.push_back({type, nullptr, untouched});
    }
    const auto result = get(sizes.data(), sizes.size());
    if(result != CKR_OK && !is_partial(result) && !is_refusal(result)) {
        fail(result);
    }
    const bool told = result == CKR_OK || is_partial(result);
    for(const auto& attribute : sizes) {
        if(told && attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION) {
            continue;
        }
        auto value = told && attribute.ulValueLen != untouched ? read_sized(get, attribute.type, attribute.ulValueLen)
                                                               : read_alone(get, attribute.type);
        if(value) {
            out.set(attribute.type, std::move(*value));
        }
    }
    return out;
}

Attributes read_attributes(const Session& session, CK_OBJECT_HANDLE object, std::span<const CK_ATTRIBUTE_TYPE> types) {
    return read_attributes(
        [&](CK_ATTRIBUTE* asked, CK_ULONG count) {
            return session.calls().C_GetAttributeValue(session.handle(), object, asked, count);
        },
        types);
}

}  // namespace keyway::pkcs11
