// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/object_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <array>
#include <cstring>

namespace keyway::pkcs11 {

namespace {

/// Ends a search even when it failed: a session can have one only.
class Search {
public:
    Search(const Session& session, Template& wanted) : session_(&session) {
        const auto turn = session.turn_for(Module::ObjectWork::looking);
        const auto result = session.calls().C_FindObjectsInit(session.handle(), wanted.data(), wanted.size());
        if(result != CKR_OK) {
            throw call_failed(result, "search the token");
        }
    }
    Search(const Search&) = delete;
    Search& operator=(const Search&) = delete;
    ~Search() { session_->calls().C_FindObjectsFinal(session_->handle()); }

private:
    const Session* session_;
};

bool is_absent(CK_RV result, const CK_ATTRIBUTE& attribute) {
    return result == CKR_ATTRIBUTE_TYPE_INVALID || result == CKR_ATTRIBUTE_SENSITIVE ||
           (result == CKR_OK && attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION);
}

}  // namespace

Template& Template::add(CK_ATTRIBUTE_TYPE type, std::span<const std::uint8_t> value) {
    auto& kept = values_.emplace_back(value.begin(), value.end());
    attributes_.push_back({type, kept.data(), kept.size()});
    return *this;
}

Template& Template::add_text(CK_ATTRIBUTE_TYPE type, std::string_view value) {
    return add(type, {static_cast<const std::uint8_t*>(static_cast<const void*>(value.data())), value.size()});
}

Template& Template::add_number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
    return add(type, {static_cast<const std::uint8_t*>(static_cast<const void*>(&value)), sizeof(value)});
}

Template& Template::add_yes(CK_ATTRIBUTE_TYPE type) {
    constexpr std::array<std::uint8_t, 1> yes{CK_TRUE};
    return add(type, yes);
}

Template& Template::add_no(CK_ATTRIBUTE_TYPE type) {
    constexpr std::array<std::uint8_t, 1> no{CK_FALSE};
    return add(type, no);
}

Template& Template::leave_out(const std::set<CK_ATTRIBUTE_TYPE>& types) {
    std::erase_if(attributes_, [&](const CK_ATTRIBUTE& attribute) { return types.contains(attribute.type); });
    return *this;
}

std::vector<CK_OBJECT_HANDLE> find_objects(const Session& session, Template wanted) {
    const Search search(session, wanted);
    std::vector<CK_OBJECT_HANDLE> found;
    std::array<CK_OBJECT_HANDLE, 256> page{};
    for(;;) {
        CK_ULONG count = 0;
        const auto result = session.calls().C_FindObjects(session.handle(), page.data(), page.size(), &count);
        if(result != CKR_OK || count > page.size()) {
            throw call_failed(result == CKR_OK ? CKR_GENERAL_ERROR : result, "search the token");
        }
        if(count == 0) {
            return found;
        }
        found.insert(found.end(), page.begin(), page.begin() + static_cast<std::ptrdiff_t>(count));
    }
}

std::optional<std::vector<std::uint8_t>> read_attribute(const Session& session,
                                                        CK_OBJECT_HANDLE object,
                                                        CK_ATTRIBUTE_TYPE type) {
    CK_ATTRIBUTE attribute{type, nullptr, 0};
    auto result = session.calls().C_GetAttributeValue(session.handle(), object, &attribute, 1);
    if(is_absent(result, attribute)) {
        return std::nullopt;
    }
    std::vector<std::uint8_t> value;
    if(result == CKR_OK) {
        value.resize(attribute.ulValueLen);
        attribute.pValue = value.data();
        // Not for an empty one: with a null pointer the call would mean the size again.
        result = value.empty() ? CKR_OK
                               : session.calls().C_GetAttributeValue(session.handle(), object, &attribute, 1);
    }
    if(result != CKR_OK) {
        throw call_failed(result, "read an attribute of an object in the token");
    }
    value.resize(attribute.ulValueLen);
    return value;
}

std::optional<CK_ULONG> read_number(const Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    const auto bytes = read_attribute(session, object, type);
    if(!bytes || bytes->size() != sizeof(CK_ULONG)) {
        return std::nullopt;
    }
    CK_ULONG value = 0;
    std::memcpy(&value, bytes->data(), sizeof(value));
    return value;
}

std::optional<bool> read_flag(const Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    const auto bytes = read_attribute(session, object, type);
    if(!bytes || bytes->size() != 1) {
        return std::nullopt;
    }
    return bytes->front() != CK_FALSE;
}

NewObjects::~NewObjects() {
    for(const auto object : objects_) {
        session_->calls().C_DestroyObject(session_->handle(), object);
    }
}

void NewObjects::add(CK_OBJECT_HANDLE object) {
    objects_.push_back(object);
}

}  // namespace keyway::pkcs11
