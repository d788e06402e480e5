// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/pkcs12_internal.hpp>

#include <botan/asn1_obj.h>
#include <botan/ber_dec.h>

#include <string>
#include <utility>
#include <vector>

namespace keyway {

namespace {

using Botan::ASN1_Class;
using Botan::ASN1_Type;
using Bytes = Botan::secure_vector<std::uint8_t>;

constexpr std::uint64_t pfx_version = 3;

const Botan::OID& data_content() {
    static const Botan::OID oid{1, 2, 840, 113549, 1, 7, 1};
    return oid;
}
const Botan::OID& key_bag() {
    static const Botan::OID oid{1, 2, 840, 113549, 1, 12, 10, 1, 1};
    return oid;
}
const Botan::OID& shrouded_key_bag() {
    static const Botan::OID oid{1, 2, 840, 113549, 1, 12, 10, 1, 2};
    return oid;
}
const Botan::OID& safe_contents_bag() {
    static const Botan::OID oid{1, 2, 840, 113549, 1, 12, 10, 1, 6};
    return oid;
}

Botan::BER_Decoder decoder(std::span<const std::uint8_t> der) {
    return Botan::BER_Decoder(der, Botan::BER_Decoder::Limits::DER());
}

Error unsupported(std::string_view name, const std::string& why) {
    return {Errc::unsupported,
            "the PKCS#12 file " + in_quotes(name) + " is not read here: " + why,
            "hand its key over without writing it to the disk: openssl pkcs12 -in FILE -nocerts -nodes | keyway key store "
            "--in - --label NAME (OpenSSL 3 wants -legacy for old files)"};
}

/// What stands in a ContentInfo of type data; nothing for another type.
bool read_content(Botan::BER_Decoder& from, Bytes& content) {
    Botan::OID type;
    auto info = from.start_sequence();
    info.decode(type);
    if(type != data_content()) {
        info.discard_remaining().end_cons();
        return false;
    }
    info.start_context_specific(0).decode(content, ASN1_Type::OctetString).end_cons();
    info.end_cons();
    return true;
}

/// Other encryptions than this are of the past: RC2 or 3DES under a key derivation of PKCS#12's own.
void require_pbes2(std::span<const std::uint8_t> encrypted_private_key_info, std::string_view name) {
    Botan::AlgorithmIdentifier scheme;
    auto info = decoder(encrypted_private_key_info);
    info.start_sequence().decode(scheme).discard_remaining().end_cons();
    if(scheme.oid() != Botan::OID::from_string("PBE-PKCS5v20")) {
        throw unsupported(name, "its key is in an encryption of the past");
    }
}

/// Adds the keys of a SafeContents; bags in bags are looked into no deeper than anybody nests them.
void collect_keys(std::span<const std::uint8_t> safe_contents, int depth, std::string_view name, std::vector<Bytes>& keys) {
    auto whole = decoder(safe_contents);
    auto bags = whole.start_sequence();
    while(bags.more_items()) {
        Botan::OID type;
        Botan::BER_Object value;
        auto bag = bags.start_sequence();
        bag.decode(type).get_next(value).discard_remaining().end_cons();  // attributes: friendly name, local key id
        if(!value.is_a(0, ASN1_Class::ExplicitContextSpecific)) {
            throw Botan::Decoding_Error("a bag without a value");
        }
        if(type == shrouded_key_bag()) {
            require_pbes2(value.data(), name);
        }
        if(type == key_bag() || type == shrouded_key_bag()) {
            keys.emplace_back(value.data().begin(), value.data().end());
        } else if(type == safe_contents_bag() && depth > 0) {
            collect_keys(value.data(), depth - 1, name, keys);
        }
    }
    bags.end_cons();
    whole.verify_end();
}

}  // namespace

bool is_pkcs12(std::span<const std::uint8_t> der) noexcept {
    try {
        std::size_t version = 0;
        auto whole = decoder(der);
        auto file = whole.start_sequence();
        file.decode(version);
        const auto& next = file.peek_next_object();
        if(version != pfx_version || !next.is_a(ASN1_Type::Sequence, ASN1_Class::Constructed)) {
            return false;
        }
        Botan::OID type;
        file.start_sequence().decode(type).discard_remaining().end_cons();
        return type.to_string().starts_with("1.2.840.113549.1.7.");
    } catch(const std::exception&) {
        return false;
    }
}

Bytes private_key_of_pkcs12(std::span<const std::uint8_t> der, std::string_view name) {
    std::vector<Bytes> keys;
    bool has_other_content = false;
    try {
        std::size_t version = 0;
        Bytes authenticated_safe;
        auto whole = decoder(der);
        auto file = whole.start_sequence();
        file.decode(version);
        if(!read_content(file, authenticated_safe)) {
            throw unsupported(name, "it is made for the holder of a certificate");
        }
        file.discard_remaining().end_cons();  // the MAC
        whole.verify_end();
        auto safe = decoder(authenticated_safe);
        auto contents = safe.start_sequence();
        while(contents.more_items()) {
            if(Bytes content; read_content(contents, content)) {
                collect_keys(content, 4, name, keys);
            } else {
                has_other_content = true;
            }
        }
        contents.end_cons();
        safe.verify_end();
    } catch(const Error&) {
        throw;
    } catch(const Botan::Exception&) {
        std::throw_with_nested(Error(Errc::malformed_data,
                                     "the PKCS#12 file " + in_quotes(name) + " is damaged or truncated",
                                     "get an undamaged copy of it"));
    }
    if(keys.empty() && has_other_content) {
        throw unsupported(name, "if it holds a private key, then in a part that is encrypted as a whole");
    }
    if(keys.size() != 1) {
        throw Error(Errc::malformed_data,
                    "the PKCS#12 file " + in_quotes(name) +
                        (keys.empty() ? " holds no private key" : " holds " + std::to_string(keys.size()) + " private keys"),
                    keys.empty() ? "name the file with the key"
                                 : "split it: keytool -importkeystore -srcalias NAME -srckeystore OLD -destkeystore NEW "
                                   "-deststoretype PKCS12");
    }
    return std::move(keys.front());
}

}  // namespace keyway
