// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/keys/public_key_internal.hpp>
#include <keyway/pkcs11/quirks/names_internal.hpp>
#include <keyway/pkcs11/quirks/probe_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/exceptn.h>

#include <array>

namespace keyway::pkcs11 {

namespace {

using Bytes = std::vector<std::uint8_t>;

/// An attribute of a template, and whether the call makes no sense without it.
struct Wanted {
    CK_ATTRIBUTE_TYPE type;
    Bytes value;
    bool needed = false;
};

Wanted yes(CK_ATTRIBUTE_TYPE type, bool needed = false) {
    return {type, {CK_TRUE}, needed};
}

Wanted no(CK_ATTRIBUTE_TYPE type, bool needed = false) {
    return {type, {CK_FALSE}, needed};
}

Wanted text(CK_ATTRIBUTE_TYPE type, std::string_view value) {
    return {type, {value.begin(), value.end()}};
}

constexpr std::string_view probe_label = "keyway token probe";

/// As keys are made in earnest, but for the session: so it shows what would be refused then.
std::vector<Wanted> private_template() {
    return {no(CKA_TOKEN, true),    yes(CKA_SIGN, true), text(CKA_LABEL, probe_label), text(CKA_ID, probe_label),
            yes(CKA_PRIVATE),       yes(CKA_SENSITIVE),  no(CKA_EXTRACTABLE),          no(CKA_DECRYPT),
            no(CKA_UNWRAP),         no(CKA_DERIVE),      no(CKA_SIGN_RECOVER)};
}

std::vector<Wanted> public_template(ProbedKind kind) {
    std::vector<Wanted> wanted{no(CKA_TOKEN, true), yes(CKA_VERIFY, true), text(CKA_LABEL, probe_label),
                               text(CKA_ID, probe_label), no(CKA_PRIVATE),  no(CKA_ENCRYPT),
                               no(CKA_WRAP),              no(CKA_DERIVE),   no(CKA_VERIFY_RECOVER)};
    if(kind == ProbedKind::rsa) {
        constexpr CK_ULONG bits = 2048;
        Bytes number(sizeof(bits));
        std::copy_n(static_cast<const std::uint8_t*>(static_cast<const void*>(&bits)), sizeof(bits), number.begin());
        wanted.push_back({CKA_MODULUS_BITS, number, true});
        wanted.push_back({CKA_PUBLIC_EXPONENT, {1, 0, 1}, true});
    } else {
        const auto spec = kind == ProbedKind::p256 ? KeySpec::parse("p-256") : KeySpec::parse("ed25519");
        wanted.push_back({CKA_EC_PARAMS, ec_parameters(spec), true});
    }
    return wanted;
}

/// Those that are needed, and of the others the chosen one, or all.
template <typename Choose>
Template chosen(const std::vector<Wanted>& wanted, const Choose& choose) {
    Template out;
    for(const auto& attribute : wanted) {
        if(attribute.needed || choose(attribute)) {
            out.add(attribute.type, attribute.value);
        }
    }
    return out;
}

CK_MECHANISM_TYPE generation_mechanism(ProbedKind kind) {
    switch(kind) {
        case ProbedKind::rsa:
            return CKM_RSA_PKCS_KEY_PAIR_GEN;
        case ProbedKind::p256:
            return CKM_EC_KEY_PAIR_GEN;
        case ProbedKind::ed25519:
            return CKM_EC_EDWARDS_KEY_PAIR_GEN;
    }
    throw Error(Errc::internal, "a key of no known kind");
}

CK_RV generate(const Session& session, Template public_part, Template private_part, ProbedKey& key) {
    CK_MECHANISM mechanism{generation_mechanism(key.kind), nullptr, 0};
    return session.calls().C_GenerateKeyPair(session.handle(), &mechanism, public_part.data(), public_part.size(),
                                             private_part.data(), private_part.size(), &key.public_object,
                                             &key.private_object);
}

void destroy(const Session& session, const ProbedKey& key) {
    session.calls().C_DestroyObject(session.handle(), key.private_object);
    session.calls().C_DestroyObject(session.handle(), key.public_object);
}

constexpr auto all = [](const Wanted&) { return true; };
constexpr auto none = [](const Wanted&) { return false; };

void note_name(std::vector<std::string>& names, CK_ATTRIBUTE_TYPE type) {
    auto name = constant_name(NameFamily::attributes, type);
    if(std::ranges::find(names, name) == names.end()) {
        names.push_back(std::move(name));
    }
}

/// The token refused the whole template and takes the least one: which of the others are at fault?
void find_refused(const Session& session, ProbedKind kind, ProbeReport& report) {
    const auto public_part = public_template(kind);
    const auto private_part = private_template();
    const auto refuses = [&](const std::vector<Wanted>& first, const Wanted& attribute, bool is_public) {
        const auto only = [&](const Wanted& other) { return other.type == attribute.type; };
        ProbedKey key{.kind = kind};
        const auto result = is_public ? generate(session, chosen(first, only), chosen(private_part, none), key)
                                      : generate(session, chosen(public_part, none), chosen(first, only), key);
        if(result == CKR_OK) {
            destroy(session, key);
        }
        return result != CKR_OK;
    };
    for(const auto& attribute : public_part) {
        if(attribute.needed || !refuses(public_part, attribute, true)) {
            continue;
        }
        const auto turned = yes(CKA_PRIVATE);
        if(attribute.type == CKA_PRIVATE && !refuses({no(CKA_TOKEN, true), turned}, turned, true)) {
            report.public_keys_private = true;
        } else {
            note_name(report.refused_attributes.generate_public, attribute.type);
        }
    }
    for(const auto& attribute : private_part) {
        if(!attribute.needed && refuses(private_part, attribute, false)) {
            note_name(report.refused_attributes.generate_private, attribute.type);
        }
    }
}

/// Whether an object gives an attribute, an empty one being none.
bool gives(const Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    CK_ATTRIBUTE attribute{type, nullptr, 0};
    const auto result = session.calls().C_GetAttributeValue(session.handle(), object, &attribute, 1);
    return result == CKR_OK && attribute.ulValueLen != CK_UNAVAILABLE_INFORMATION && attribute.ulValueLen > 0;
}

void find_missing(const Session& session, const ProbedKey& key, ProbeReport& report) {
    std::vector<CK_ATTRIBUTE_TYPE> types{CKA_ID, CKA_LABEL, CKA_KEY_TYPE, CKA_PUBLIC_KEY_INFO};
    if(key.kind == ProbedKind::rsa) {
        types.insert(types.end(), {CKA_MODULUS, CKA_PUBLIC_EXPONENT});
    } else {
        types.insert(types.end(), {CKA_EC_PARAMS, CKA_EC_POINT});
    }
    for(const auto type : types) {
        if(!gives(session, key.public_object, type)) {
            note_name(report.missing_attributes.public_key, type);
        }
        if(!gives(session, key.private_object, type)) {
            note_name(report.missing_attributes.private_key, type);
        }
    }
    for(const auto type : {CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_ALWAYS_AUTHENTICATE}) {
        if(!gives(session, key.private_object, type)) {
            note_name(report.missing_attributes.private_key, type);
        }
    }
}

void look_at(const Session& session, ProbedKey& key, ProbeReport& report) {
    find_missing(session, key, report);
    if(key.kind != ProbedKind::rsa) {
        auto& form = key.kind == ProbedKind::p256 ? report.ec_point : report.edwards_point;
        form = point_form(session, key.public_object, key.kind == ProbedKind::ed25519);
    }
    std::string why = "the token does not show the public key";
    try {
        key.public_key = read_public_key(session, key.public_object);
    } catch(const Error& error) {
        why = error.message();
    }
    if(!key.public_key) {
        report.notes.push_back("signatures by " + kind_name(key.kind) + " were not verified: " + why);
    }
}

bool make(const Session& session, ProbedKey& key, ProbeReport& report) {
    const auto public_part = public_template(key.kind);
    const auto private_part = private_template();
    auto result = CK_RV{CKR_OK};
    const auto time = median_time(1, [&] {
        result = generate(session, chosen(public_part, all), chosen(private_part, all), key);
    });
    if(result == CKR_OK) {
        report.times.push_back({"C_GenerateKeyPair, " + kind_name(key.kind), time});
        return true;
    }
    const auto least = generate(session, chosen(public_part, none), chosen(private_part, none), key);
    if(least != CKR_OK) {
        report.notes.push_back("no " + kind_name(key.kind) + " key was made: " + return_value_name(least));
        return false;
    }
    find_refused(session, key.kind, report);
    return true;
}

}  // namespace

std::string kind_name(ProbedKind kind) {
    switch(kind) {
        case ProbedKind::rsa:
            return "RSA-2048";
        case ProbedKind::p256:
            return "P-256";
        case ProbedKind::ed25519:
            return "Ed25519";
    }
    throw Error(Errc::internal, "a key of no known kind");
}

std::optional<EcPointForm> point_form(const Session& session, CK_OBJECT_HANDLE object, bool edwards) {
    const auto point = read_attribute(session, object, CKA_EC_POINT);
    if(!point || point->size() < 2) {
        return std::nullopt;
    }
    constexpr std::uint8_t octet_string = 4;
    constexpr std::uint8_t long_length = 0x80;
    const auto& bytes = *point;
    const std::size_t header = bytes[1] < long_length ? 2 : 3;
    const std::size_t length = header == 2 ? bytes[1] : bytes.size() > 2 ? bytes[2] : 0;
    // A bare uncompressed point begins with 4 as an OCTET STRING does; what is inside of one has a point's length.
    constexpr std::array edwards_lengths{32, 57};
    constexpr std::array lengths{41, 49, 57, 65, 81, 97, 129, 133};
    const auto is_point = [&](std::size_t size) {
        return edwards ? std::ranges::find(edwards_lengths, static_cast<int>(size)) != edwards_lengths.end()
                       : std::ranges::find(lengths, static_cast<int>(size)) != lengths.end();
    };
    if(bytes[0] == octet_string && header + length == bytes.size() && is_point(length)) {
        return EcPointForm::der;
    }
    return is_point(bytes.size()) ? std::optional(EcPointForm::raw) : std::nullopt;
}

std::vector<ProbedKey> make_probed_keys(const Session& session, const ProbeOptions&, ProbeReport& report) {
    std::vector<ProbedKey> keys;
    for(const auto kind : {ProbedKind::rsa, ProbedKind::p256, ProbedKind::ed25519}) {
        const auto mechanism = constant_name(NameFamily::mechanisms, generation_mechanism(kind));
        if(std::ranges::find(report.mechanisms, mechanism) == report.mechanisms.end()) {
            report.notes.push_back("no " + kind_name(kind) + " key was made: the token does not list " + mechanism);
            continue;
        }
        ProbedKey key{.kind = kind};
        if(make(session, key, report)) {
            look_at(session, key, report);
            keys.push_back(std::move(key));
        }
    }
    return keys;
}

}  // namespace keyway::pkcs11
