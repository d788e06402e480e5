// SPDX-License-Identifier: BSD-2-Clause
// Objects and their attributes.
#include "intercepts.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <list>
#include <vector>

namespace pkcs11_fault {

namespace {

constexpr CK_BYTE octet_string = 0x04;
constexpr CK_ULONG unavailable = ~CK_ULONG{0}; // CK_UNAVAILABLE_INFORMATION

/// What is in a DER OCTET STRING, or the bytes as they are when they are none.
[[nodiscard]] std::vector<CK_BYTE> without_octet_string(std::vector<CK_BYTE> bytes) {
    std::size_t header = 2;
    std::size_t length = 0;
    if (bytes.size() < header || bytes[0] != octet_string) {
        return bytes;
    }
    if (bytes[1] < 0x80) {
        length = bytes[1];
    } else if (bytes[1] == 0x81 && bytes.size() > 2) {
        length = bytes[2];
        header = 3;
    } else {
        return bytes;
    }
    if (bytes.size() != header + length) {
        return bytes;
    }
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header));
    return bytes;
}

/// Whether bytes are an uncompressed point of the usual curves: some of them look like an OCTET STRING by chance.
[[nodiscard]] bool is_raw_point(const std::vector<CK_BYTE>& bytes) {
    constexpr std::array<std::size_t, 6> sizes = {49, 57, 65, 81, 97, 133};
    return !bytes.empty() && bytes[0] == octet_string && std::find(sizes.begin(), sizes.end(), bytes.size()) != sizes.end();
}

[[nodiscard]] std::vector<CK_BYTE> in_octet_string(std::vector<CK_BYTE> bytes) {
    if (bytes.size() > 255 || (!is_raw_point(bytes) && without_octet_string(bytes).size() != bytes.size())) {
        return bytes;
    }
    std::vector<CK_BYTE> header = {octet_string};
    if (bytes.size() >= 0x80) {
        header.push_back(0x81);
    }
    header.push_back(static_cast<CK_BYTE>(bytes.size()));
    bytes.insert(bytes.begin(), header.begin(), header.end());
    return bytes;
}

/// A template in which points are as the real module wants them.
class RealTemplate {
public:
    RealTemplate(const CK_ATTRIBUTE* attributes, CK_ULONG count) : attributes_(attributes, attributes + count) {
        for (CK_ATTRIBUTE& attribute : attributes_) {
            if (attribute.type != CKA_EC_POINT || attribute.pValue == nullptr) {
                continue;
            }
            const auto* const bytes = static_cast<const CK_BYTE*>(attribute.pValue);
            auto& point = points_.emplace_back(in_octet_string({bytes, bytes + attribute.ulValueLen}));
            attribute.pValue = point.data();
            attribute.ulValueLen = static_cast<CK_ULONG>(point.size());
        }
    }
    [[nodiscard]] CK_ATTRIBUTE* data() { return attributes_.empty() ? nullptr : attributes_.data(); }
    [[nodiscard]] CK_ULONG size() const { return static_cast<CK_ULONG>(attributes_.size()); }

private:
    std::vector<CK_ATTRIBUTE> attributes_;
    std::list<std::vector<CK_BYTE>> points_;
};

/// One C_GetAttributeValue, taken apart by what faults do to its attributes and put together again.
class AttributeReading {
public:
    AttributeReading(Runtime& runtime, const Call& call, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
        : runtime_(runtime), call_(call), session_(session), object_(object) {}

    [[nodiscard]] CK_RV read(CK_ATTRIBUTE* attributes, CK_ULONG count) {
        std::vector<CK_ATTRIBUTE*> plain;
        for (CK_ULONG i = 0; i < count; ++i) {
            CK_ATTRIBUTE& one = attributes[i];
            if (const auto refusal = withheld(one.type)) {
                one.ulValueLen = unavailable;
                note(*refusal);
            } else if (is_identity(one.type)) {
                note(read_real(call_.real_object->identity, {&one}));
            } else if (one.type == CKA_EC_POINT && call_.newest_fault<EcPointRaw>() != nullptr) {
                note(read_raw_point(one));
            } else {
                plain.push_back(&one);
            }
        }
        if (!plain.empty() || count == 0) {
            note(read_real(object_, plain));
        }
        return value_;
    }

private:
    /// The standard lets any of several errors be told; the first is.
    void note(CK_RV value) {
        if (value_ == CKR_OK) {
            value_ = value;
        }
    }

    [[nodiscard]] bool is_identity(CK_ATTRIBUTE_TYPE type) const {
        const bool swapped = call_.real_object && call_.real_object->identity != call_.real_object->used;
        return swapped && (type == CKA_ID || type == CKA_LABEL);
    }

    [[nodiscard]] std::optional<CK_RV> withheld(CK_ATTRIBUTE_TYPE type) const {
        for (const StandingFault& fault : *call_.standing) {
            const auto* rule = std::get_if<AttributesWithheld>(&fault);
            if (rule == nullptr ||
                std::find(rule->attributes.begin(), rule->attributes.end(), type) == rule->attributes.end()) {
                continue;
            }
            if (rule->classes.empty() ||
                std::find(rule->classes.begin(), rule->classes.end(), class_of_object()) != rule->classes.end()) {
                return rule->sensitive ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] CK_OBJECT_CLASS class_of_object() const {
        CK_OBJECT_CLASS kind = unavailable;
        CK_ATTRIBUTE wanted{CKA_CLASS, &kind, sizeof kind};
        static_cast<void>(read_real(object_, {&wanted}));
        return kind;
    }

    [[nodiscard]] CK_RV read_real(CK_OBJECT_HANDLE object, const std::vector<CK_ATTRIBUTE*>& wanted) const {
        std::vector<CK_ATTRIBUTE> list;
        for (const CK_ATTRIBUTE* one : wanted) {
            list.push_back(*one);
        }
        const CK_RV value = runtime_.real.call<Function::C_GetAttributeValue>(
            session_, object, list.data(), static_cast<CK_ULONG>(list.size()));
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            wanted[i]->ulValueLen = list[i].ulValueLen;
        }
        return value;
    }

    [[nodiscard]] CK_RV read_raw_point(CK_ATTRIBUTE& point) const {
        CK_ATTRIBUTE whole{CKA_EC_POINT, nullptr, 0};
        if (const CK_RV value = read_real(object_, {&whole}); value != CKR_OK) {
            point.ulValueLen = unavailable;
            return value;
        }
        std::vector<CK_BYTE> bytes(whole.ulValueLen);
        whole.pValue = bytes.data();
        if (const CK_RV value = read_real(object_, {&whole}); value != CKR_OK) {
            point.ulValueLen = unavailable;
            return value;
        }
        bytes.resize(whole.ulValueLen);
        bytes = without_octet_string(std::move(bytes));
        if (point.pValue != nullptr && point.ulValueLen < bytes.size()) {
            point.ulValueLen = unavailable;
            return CKR_BUFFER_TOO_SMALL;
        }
        point.ulValueLen = static_cast<CK_ULONG>(bytes.size());
        if (point.pValue != nullptr) {
            std::memcpy(point.pValue, bytes.data(), bytes.size());
        }
        return CKR_OK;
    }

    Runtime& runtime_;
    const Call& call_;
    CK_SESSION_HANDLE session_;
    CK_OBJECT_HANDLE object_;
    CK_RV value_ = CKR_OK;
};

} // namespace

CK_RV Intercept<Function::C_GetAttributeValue>::call(Runtime& runtime, const Call& call, CK_SESSION_HANDLE session,
                                                     CK_OBJECT_HANDLE object, CK_ATTRIBUTE* attributes,
                                                     CK_ULONG count) {
    if (attributes == nullptr) {
        return runtime.real.call<Function::C_GetAttributeValue>(session, object, attributes, count);
    }
    return AttributeReading(runtime, call, session, object).read(attributes, count);
}

CK_RV Intercept<Function::C_CreateObject>::call(Runtime& runtime, const Call& call, CK_SESSION_HANDLE session,
                                                CK_ATTRIBUTE* attributes, CK_ULONG count, CK_OBJECT_HANDLE* object) {
    if (attributes == nullptr || call.newest_fault<EcPointRaw>() == nullptr) {
        return runtime.real.call<Function::C_CreateObject>(session, attributes, count, object);
    }
    RealTemplate real(attributes, count);
    return runtime.real.call<Function::C_CreateObject>(session, real.data(), real.size(), object);
}

CK_RV Intercept<Function::C_FindObjectsInit>::call(Runtime& runtime, const Call& call, CK_SESSION_HANDLE session,
                                                   CK_ATTRIBUTE* attributes, CK_ULONG count) {
    if (attributes == nullptr || call.newest_fault<EcPointRaw>() == nullptr) {
        return runtime.real.call<Function::C_FindObjectsInit>(session, attributes, count);
    }
    RealTemplate real(attributes, count);
    return runtime.real.call<Function::C_FindObjectsInit>(session, real.data(), real.size());
}

CK_RV Intercept<Function::C_FindObjects>::call(Runtime& runtime, const Call& /*call*/, CK_SESSION_HANDLE session,
                                               CK_OBJECT_HANDLE* objects, CK_ULONG most, CK_ULONG* count) {
    const CK_RV value = runtime.real.call<Function::C_FindObjects>(session, objects, most, count);
    if (value == CKR_OK && objects != nullptr && count != nullptr) {
        for (CK_ULONG i = 0; i < *count; ++i) {
            objects[i] = runtime.objects.seen(objects[i]);
        }
    }
    return value;
}

} // namespace pkcs11_fault
