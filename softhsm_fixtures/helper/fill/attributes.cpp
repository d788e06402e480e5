// SPDX-License-Identifier: BSD-2-Clause
#include "attributes.hpp"

namespace fill {

namespace {

using namespace softhsm_fixtures::internal;

[[nodiscard]] Usage usage_of(const Entry& entry, EntryType type) {
    if (entry.usage) {
        return *entry.usage;
    }
    switch (type) {
    case EntryType::rsa: return {.sign = true, .decrypt = true, .wrap = true};
    case EntryType::ec: return {.sign = true, .derive = true};
    case EntryType::x25519:
    case EntryType::x448:
    case EntryType::dh: return {.derive = true};
    case EntryType::aes:
    case EntryType::des3: return {.decrypt = true, .wrap = true};
    case EntryType::generic: return {.sign = true, .derive = true};
    default: return {.sign = true};
    }
}

} // namespace

void add_identity(Template& out, CK_OBJECT_CLASS object_class, const std::string& label, const Bytes& id) {
    out.add_number(CKA_CLASS, object_class);
    out.add_flag(CKA_TOKEN, true);
    out.add_text(CKA_LABEL, label);
    if (object_class != CKO_DATA) {
        out.add(CKA_ID, id);
    }
}

void add_private_policy(Template& out, const Entry& entry, EntryType type) {
    const Usage usage = usage_of(entry, type);
    out.add_flag(CKA_PRIVATE, true);
    out.add_flag(CKA_SENSITIVE, true);
    out.add_flag(CKA_EXTRACTABLE, false);
    out.add_flag(CKA_SIGN, usage.sign);
    out.add_flag(CKA_DECRYPT, usage.decrypt);
    out.add_flag(CKA_UNWRAP, usage.wrap);
    out.add_flag(CKA_DERIVE, usage.derive);
    add_given(out, entry.attributes, of_private);
}

void add_public_policy(Template& out, const Entry& entry, EntryType type) {
    const Usage usage = usage_of(entry, type);
    // Public, so that the key can be told without a login.
    out.add_flag(CKA_PRIVATE, false);
    out.add_flag(CKA_VERIFY, usage.sign);
    out.add_flag(CKA_ENCRYPT, usage.decrypt);
    out.add_flag(CKA_WRAP, usage.wrap);
    add_given(out, entry.attributes, of_public);
}

void add_secret_policy(Template& out, const Entry& entry) {
    const Usage usage = usage_of(entry, entry.type);
    out.add_flag(CKA_PRIVATE, true);
    out.add_flag(CKA_SENSITIVE, true);
    out.add_flag(CKA_EXTRACTABLE, false);
    out.add_flag(CKA_SIGN, usage.sign);
    out.add_flag(CKA_VERIFY, usage.sign);
    out.add_flag(CKA_DECRYPT, usage.decrypt);
    out.add_flag(CKA_ENCRYPT, usage.decrypt);
    out.add_flag(CKA_UNWRAP, usage.wrap);
    out.add_flag(CKA_WRAP, usage.wrap);
    out.add_flag(CKA_DERIVE, usage.derive);
    add_given(out, entry.attributes, of_secret);
}

void add_given(Template& out, const Attributes& given, AttributeOwner owner) {
    for (const AttributeName& known : known_attributes()) {
        const auto found = given.find(std::string(known.name));
        if (found != given.end() && (known.owners & owner) != 0) {
            out.add_flag(known.type, found->second);
        }
    }
}

CK_KEY_TYPE secret_key_type(const Entry& entry) {
    switch (entry.type) {
    case EntryType::aes: return CKK_AES;
    case EntryType::des3: return CKK_DES3;
    case EntryType::generic: return CKK_GENERIC_SECRET;
    default: break;
    }
    for (const HashName& hash : known_hashes()) {
        if (hash.name == entry.hash) {
            return hash.key_type;
        }
    }
    throw helper::Failure("no such hash");
}

} // namespace fill
