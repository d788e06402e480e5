// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "key_material.hpp"

#include <softhsm_fixtures/content_names_internal.hpp>

namespace fill {

/// CKA_CLASS, CKA_TOKEN, label and id.
void add_identity(Template& out, CK_OBJECT_CLASS object_class, const std::string& label, const Bytes& id);

/// What a private, public or secret key of the entry may do, every usage said: what is left out, many tokens
/// take as allowed. Attributes of the list come last and win.
void add_private_policy(Template& out, const Entry& entry, EntryType type);
void add_public_policy(Template& out, const Entry& entry, EntryType type);
void add_secret_policy(Template& out, const Entry& entry);

/// The attributes of the list that belong to the owner.
void add_given(Template& out, const softhsm_fixtures::internal::Attributes& given,
               softhsm_fixtures::internal::AttributeOwner owner);

/// CKK_... of a secret key.
[[nodiscard]] CK_KEY_TYPE secret_key_type(const Entry& entry);

} // namespace fill
