// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/cryptoki_internal.hpp>
#include <keyway/pkcs11/session_internal.hpp>

#include <botan/secmem.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

namespace keyway::pkcs11 {

/// A list of attributes that owns its values, in wiped memory as they may be a key's.
class Template {
public:
    Template& add(CK_ATTRIBUTE_TYPE type, std::span<const std::uint8_t> value);
    Template& add_text(CK_ATTRIBUTE_TYPE type, std::string_view value);
    Template& add_number(CK_ATTRIBUTE_TYPE type, CK_ULONG value);
    Template& add_yes(CK_ATTRIBUTE_TYPE type);
    Template& add_no(CK_ATTRIBUTE_TYPE type);

    /// Takes attributes out again.
    Template& leave_out(const std::set<CK_ATTRIBUTE_TYPE>& types);

    [[nodiscard]] CK_ATTRIBUTE* data() noexcept { return attributes_.data(); }
    [[nodiscard]] CK_ULONG size() const noexcept { return attributes_.size(); }

private:
    std::deque<Botan::secure_vector<std::uint8_t>> values_;  // a deque never moves what it holds
    std::vector<CK_ATTRIBUTE> attributes_;
};

/// All objects that fit a template.
/// @throws Errc::token_failed
[[nodiscard]] std::vector<CK_OBJECT_HANDLE> find_objects(const Session& session, Template wanted);

/// An attribute's value, or nothing when the object has none or keeps it secret.
/// @throws Errc::token_failed for any other reason
[[nodiscard]] std::optional<std::vector<std::uint8_t>> read_attribute(const Session& session,
                                                                      CK_OBJECT_HANDLE object,
                                                                      CK_ATTRIBUTE_TYPE type);

[[nodiscard]] std::optional<CK_ULONG> read_number(const Session& session,
                                                  CK_OBJECT_HANDLE object,
                                                  CK_ATTRIBUTE_TYPE type);

[[nodiscard]] std::optional<bool> read_flag(const Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

/// Objects being made: unless kept, they are destroyed again, so that a failure leaves no orphan.
class NewObjects {
public:
    explicit NewObjects(const Session& session) : session_(&session) { objects_.reserve(2); }
    NewObjects(const NewObjects&) = delete;
    NewObjects& operator=(const NewObjects&) = delete;
    ~NewObjects();

    void add(CK_OBJECT_HANDLE object);
    void keep() noexcept { objects_.clear(); }

private:
    const Session* session_;
    std::vector<CK_OBJECT_HANDLE> objects_;
};

}  // namespace keyway::pkcs11
