// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/hsm/key_references_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>

#include <botan/hash.h>
#include <botan/hex.h>
#include <botan/pk_keys.h>
#include <botan/system_rng.h>

#include <utility>

namespace keyway::hsm {

std::vector<std::uint8_t> usual_id(const Botan::Public_Key& key) {
    const auto hash = Botan::HashFunction::create_or_throw("SHA-1");
    hash->update(key.public_key_bits());
    return hash->final_stdvec();
}

std::vector<std::uint8_t> random_id() {
    return Botan::system_rng().random_vec<std::vector<std::uint8_t>>(20);
}

KeyRef reference(const BackendAlias& alias, const pkcs11::NewKey& key, const Botan::Public_Key& public_key) {
    KeyLocator locator;
    if(!key.id.empty()) {
        locator.set("id", pkcs11::id_text(key.id));
    }
    // Other programs write labels that are no text; such a key is found by its id.
    if(is_text(key.label) && !key.label.empty()) {
        locator.set("label", key.label);
    }
    return {alias, std::string(type_name), KeySpec::of(public_key), SpkiFingerprint::of(public_key), std::move(locator)};
}

pkcs11::KeySelector selector(const KeyRef& ref) {
    pkcs11::KeySelector out;
    out.label = ref.locator().find("label");
    if(const auto id = ref.locator().find("id")) {
        try {
            out.id = Botan::hex_decode(*id, false);
        } catch(const Botan::Exception&) {
            throw Error(Errc::malformed_data, "the key reference's id " + in_quotes(*id) + " is not hexadecimal");
        }
    }
    if(!out.label && !out.id) {
        throw Error(Errc::malformed_data, "the key reference names neither an id nor a label of a token's key");
    }
    return out;
}

KeyListing listing(const BackendAlias& alias, const pkcs11::Token& token, std::span<const pkcs11::ListedKey> keys) {
    KeyListing out;
    for(const auto& key : keys) {
        const pkcs11::NewKey named{.label = key.label, .id = key.id};
        const pkcs11::KeySelector selector{.id = key.id, .label = key.label};
        if(!key.public_key) {
            out.faults.push_back(Error(key.fault->code(),
                                       token.name() + " has a private key " + selector.to_string() +
                                           " that cannot be used: " + key.fault->message(),
                                       key.fault->hint())
                                     .with_return_value(key.fault->return_value())
                                     .in_backend(alias.str()));
            continue;
        }
        KeyInfo info{reference(alias, named, *key.public_key),
                     key.label,
                     {{"id", pkcs11::id_text(key.id)}, {"token", token.info().label}}};
        if(key.has_private) {
            info.attributes.emplace_back("sensitive", key.sensitive ? "yes" : "no");
            info.attributes.emplace_back("extractable", key.extractable ? "yes" : "no");
        } else {
            info.attributes.emplace_back("private-key", "missing");
        }
        out.keys.push_back(std::move(info));
    }
    return out;
}

}  // namespace keyway::hsm
