// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/key_search_internal.hpp>

#include <botan/hex.h>
#include <botan/pk_keys.h>

#include <algorithm>
#include <array>

namespace keyway::pkcs11 {

std::string id_text(const std::vector<std::uint8_t>& id) {
    return Botan::hex_encode(id, false);
}

std::string KeySelector::to_string() const {
    std::string text;
    if(label) {
        text = "with label " + in_quotes(*label);
    }
    if(id) {
        text += (text.empty() ? "with id " : " and id ") + id_text(*id);
    }
    return text.empty() ? "at all" : text;
}

Template search_for(CK_OBJECT_CLASS object_class, const KeySelector& selector) {
    Template wanted;
    wanted.add_number(CKA_CLASS, object_class);
    wanted.add_yes(CKA_TOKEN);
    if(selector.id) {
        wanted.add(CKA_ID, *selector.id);
    }
    if(selector.label) {
        wanted.add_text(CKA_LABEL, *selector.label);
    }
    return wanted;
}

std::string candidates(const Session& session, const std::vector<CK_OBJECT_HANDLE>& objects) {
    constexpr std::size_t most = 10;
    constexpr std::array<CK_ATTRIBUTE_TYPE, 2> names{CKA_LABEL, CKA_ID};
    std::string list;
    for(std::size_t i = 0; i < std::min(most, objects.size()); ++i) {
        const auto named = read_attributes(session, objects[i], names);
        list += (i == 0 ? "" : ", ") + in_quotes(named.text(CKA_LABEL)) + " (id " + id_text(named.bytes(CKA_ID)) + ")";
    }
    if(objects.size() > most) {
        list += " and " + std::to_string(objects.size() - most) + " more";
    }
    return list;
}

template <typename Read>
void PublicKeySources::take(const Read& read) {
    try {
        std::shared_ptr<const Botan::Public_Key> key = read();
        if(!key) {
            return;
        }
        const auto fingerprint = SpkiFingerprint::of(*key);
        if(!key_) {
            key_ = std::move(key);
            fingerprint_ = fingerprint;
        } else if(fingerprint != *fingerprint_) {
            disagree_ = true;
        }
    } catch(const Error& error) {
        if(error.code() != Errc::malformed_data && error.code() != Errc::unsupported) {
            throw;
        }
        if(!fault_) {
            fault_ = error;
        }
    }
}

void PublicKeySources::add(const Attributes& key_object) {
    take([&] { return public_key_by_values(key_object); });
    take([&] { return public_key_by_info(key_object); });
}

void PublicKeySources::add_public(const Session& session, CK_OBJECT_HANDLE object, const Attributes& values) {
    const bool had_key = key_ != nullptr;
    add(values);
    if(!had_key && !key_) {
        constexpr std::array<CK_ATTRIBUTE_TYPE, 1> info{CKA_PUBLIC_KEY_INFO};
        add(read_attributes(session, object, info));
    }
}

void PublicKeySources::add_private(const Session& session, CK_OBJECT_HANDLE object) {
    add(KeyObjectReader(session, {CKA_PUBLIC_KEY_INFO}).read(object));
}

void PublicKeySources::add_certificate(const Session& session, CK_OBJECT_HANDLE object) {
    constexpr std::array<CK_ATTRIBUTE_TYPE, 1> value{CKA_VALUE};
    const auto certificate = read_attributes(session, object, value);
    take([&] { return public_key_of_certificate(certificate); });
}

void PublicKeySources::require_one(const KeySelector& which, std::string_view token_name) const {
    if(disagree_) {
        throw Error(Errc::key_ambiguous,
                    std::string(token_name) + " has several different public keys " + which.to_string(),
                    "remove the public key objects and certificates that do not belong to the private key");
    }
    if(!key_ && fault_) {
        throw *fault_;
    }
    if(!key_) {
        throw Error(Errc::key_not_found,
                    std::string(token_name) + " has no public key for the private key " + which.to_string() +
                        ": no public key object, no certificate, and the private key object does not show it",
                    "import the public key or a certificate beside it, with the same id");
    }
}

Error several_private_keys(std::size_t count,
                           const KeySelector& selector,
                           const std::string& candidates,
                           std::string_view token_name) {
    return {Errc::key_ambiguous,
            std::string(token_name) + " has " + std::to_string(count) + " private keys " + selector.to_string(),
            "they are: " + candidates + "; give the id as well, or remove the others"};
}

Error no_private_key(const KeySelector& selector, const std::string& all, std::string_view token_name) {
    return {Errc::key_not_found,
            std::string(token_name) + " has no private key " + selector.to_string(),
            all.empty() ? "it holds no private key at all" : "it holds: " + all};
}

Error another_key(const KeySelector& selector,
                  const SpkiFingerprint& actual,
                  const SpkiFingerprint& wanted,
                  std::string_view token_name) {
    return {Errc::key_mismatch,
            "the key " + selector.to_string() + " in " + std::string(token_name) + " is another one: its SPKI SHA-256 is " +
                actual.to_string() + ", the reference's is " + wanted.to_string(),
            "somebody replaced the key; it is not used"};
}

}  // namespace keyway::pkcs11
