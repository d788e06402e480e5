// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/quirks/names_internal.hpp>
#include <keyway/pkcs11/quirks/probe_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/der_enc.h>
#include <botan/hash.h>
#include <botan/pubkey.h>

#include <array>

namespace keyway::pkcs11 {

namespace {

using Bytes = std::vector<std::uint8_t>;

/// One way of signing.
struct Way {
    CK_MECHANISM_TYPE type;
    ProbedKind kind;
    bool hashes;               // in the token
    std::string_view hash;     // Botan's name; empty for EdDSA, which signs the message
    std::string_view padding;  // by which Botan verifies the signature over the message
    CK_RSA_PKCS_PSS_PARAMS pss{};
};

constexpr std::array ways{
    Way{CKM_RSA_PKCS, ProbedKind::rsa, false, "SHA-256", "PKCS1v15(SHA-256)"},
    Way{CKM_SHA256_RSA_PKCS, ProbedKind::rsa, true, "SHA-256", "PKCS1v15(SHA-256)"},
    Way{CKM_SHA384_RSA_PKCS, ProbedKind::rsa, true, "SHA-384", "PKCS1v15(SHA-384)"},
    Way{CKM_SHA512_RSA_PKCS, ProbedKind::rsa, true, "SHA-512", "PKCS1v15(SHA-512)"},
    Way{CKM_RSA_PKCS_PSS, ProbedKind::rsa, false, "SHA-256", "PSS(SHA-256,MGF1,32)", {CKM_SHA256, CKG_MGF1_SHA256, 32}},
    Way{CKM_SHA256_RSA_PKCS_PSS, ProbedKind::rsa, true, "SHA-256", "PSS(SHA-256,MGF1,32)",
        {CKM_SHA256, CKG_MGF1_SHA256, 32}},
    Way{CKM_SHA384_RSA_PKCS_PSS, ProbedKind::rsa, true, "SHA-384", "PSS(SHA-384,MGF1,48)",
        {CKM_SHA384, CKG_MGF1_SHA384, 48}},
    Way{CKM_SHA512_RSA_PKCS_PSS, ProbedKind::rsa, true, "SHA-512", "PSS(SHA-512,MGF1,64)",
        {CKM_SHA512, CKG_MGF1_SHA512, 64}},
    Way{CKM_ECDSA, ProbedKind::p256, false, "SHA-256", "SHA-256"},
    Way{CKM_ECDSA_SHA256, ProbedKind::p256, true, "SHA-256", "SHA-256"},
    Way{CKM_ECDSA_SHA384, ProbedKind::p256, true, "SHA-384", "SHA-384"},
    Way{CKM_ECDSA_SHA512, ProbedKind::p256, true, "SHA-512", "SHA-512"},
    Way{CKM_EDDSA, ProbedKind::ed25519, false, "", "Pure"},
};

constexpr std::size_t largest_signature = 1024;

std::size_t signature_size(ProbedKind kind) {
    constexpr std::size_t rsa_bytes = 256;
    constexpr std::size_t curve_bytes = 64;
    return kind == ProbedKind::rsa ? rsa_bytes : curve_bytes;
}

/// What goes to the token for a message.
Bytes input_of(const Way& way, const Bytes& message) {
    if(way.hashes || way.hash.empty()) {
        return message;
    }
    const auto digest = Botan::HashFunction::create_or_throw(way.hash)->process<Bytes>(message);
    if(way.type != CKM_RSA_PKCS) {
        return digest;
    }
    Bytes info;
    Botan::DER_Encoder(info)
        .start_sequence()
        .encode(Botan::AlgorithmIdentifier(way.hash, Botan::AlgorithmIdentifier::USE_NULL_PARAM))
        .encode(digest, Botan::ASN1_Type::OctetString)
        .end_cons();
    return info;
}

struct Answer {
    CK_RV result = CKR_OK;
    Bytes signature;
};

Answer sign(TrialSession& trials, const Way& way, CK_OBJECT_HANDLE key, Bytes input, std::size_t buffer) {
    CK_MECHANISM mechanism{way.type, nullptr, 0};
    auto pss = way.pss;
    if(pss.hashAlg != 0) {
        mechanism.pParameter = &pss;
        mechanism.ulParameterLen = sizeof(pss);
    }
    Answer answer;
    answer.result = trials.calls().C_SignInit(trials.handle(), &mechanism, key);
    if(answer.result == CKR_OK) {
        answer.signature.resize(buffer);
        CK_ULONG size = buffer;
        answer.result = trials.calls().C_Sign(trials.handle(), input.data(), input.size(), answer.signature.data(), &size);
        answer.signature.resize(answer.result == CKR_OK ? std::min<std::size_t>(size, buffer) : 0);
    }
    if(answer.result != CKR_OK) {
        trials.replace();
    }
    return answer;
}

bool verifies(const Way& way, const Botan::Public_Key& key, const Bytes& message, const Bytes& signature) {
    return Botan::PK_Verifier(key, way.padding).verify_message(message, signature);
}

bool is_listed(const ProbeReport& report, const std::string& mechanism) {
    return std::ranges::find(report.mechanisms, mechanism) != report.mechanisms.end();
}

SigningFinding try_way(TrialSession& trials, const Way& way, const ProbedKey& key, const ProbeOptions& options,
                       const ProbeReport& report) {
    SigningFinding finding;
    finding.mechanism = constant_name(NameFamily::mechanisms, way.type);
    finding.key = kind_name(way.kind);
    finding.hashes = way.hashes;
    finding.listed = is_listed(report, finding.mechanism);
    const Bytes message{'k', 'e', 'y', 'w', 'a', 'y'};
    const auto input = input_of(way, message);
    auto buffer = largest_signature;
    auto answer = sign(trials, way, key.private_object, input, buffer);
    if(answer.result != CKR_OK) {
        const auto exact = sign(trials, way, key.private_object, input, signature_size(way.kind));
        if(exact.result == CKR_OK) {
            answer = exact;
            buffer = signature_size(way.kind);
            finding.exact_buffer = true;
        }
    }
    finding.answer = return_value_name(answer.result);
    if(answer.result != CKR_OK) {
        return finding;
    }
    finding.works = !key.public_key || verifies(way, *key.public_key, message, answer.signature);
    if(!finding.works) {
        finding.answer = "wrong signature";
        return finding;
    }
    finding.time = median_time(options.repeats, [&] {
        static_cast<void>(sign(trials, way, key.private_object, input, buffer));
    });
    return finding;
}

/// Whether a message of so many bytes is taken.
std::string answer_to(TrialSession& trials, const Way& way, const ProbedKey& key, std::size_t bytes, std::size_t buffer) {
    const auto answer = sign(trials, way, key.private_object, Bytes(bytes, 'k'), buffer);
    return answer.result == CKR_OK ? std::string() : return_value_name(answer.result);
}

DataLimitFinding find_limit(TrialSession& trials, const Way& way, const ProbedKey& key, std::size_t longest,
                            std::size_t buffer) {
    DataLimitFinding finding;
    finding.mechanism = constant_name(NameFamily::mechanisms, way.type);
    finding.bytes = 1;
    constexpr std::size_t first = 64;
    std::size_t refused = 0;
    for(auto bytes = std::min(first, longest); refused == 0 && finding.bytes < longest; bytes = std::min(bytes * 2, longest)) {
        if(const auto answer = answer_to(trials, way, key, bytes, buffer); answer.empty()) {
            finding.bytes = bytes;
        } else {
            refused = bytes;
            finding.answer = answer;
        }
    }
    while(refused > finding.bytes + 1) {
        const auto middle = finding.bytes + (refused - finding.bytes) / 2;
        if(const auto answer = answer_to(trials, way, key, middle, buffer); answer.empty()) {
            finding.bytes = middle;
        } else {
            refused = middle;
            finding.answer = answer;
        }
    }
    return finding;
}

const ProbedKey* key_of(const std::vector<ProbedKey>& keys, ProbedKind kind) {
    const auto found = std::ranges::find(keys, kind, &ProbedKey::kind);
    return found == keys.end() ? nullptr : &*found;
}

CK_RV copy(TrialSession& trials, CK_OBJECT_HANDLE key, CK_OBJECT_HANDLE& made) {
    Template changes;
    changes.add_no(CKA_TOKEN);
    return trials.calls().C_CopyObject(trials.handle(), key, changes.data(), changes.size(), &made);
}

/// The one private key of that label.
CK_OBJECT_HANDLE find_private_key(const Session& session, const std::string& label) {
    Template wanted;
    wanted.add_number(CKA_CLASS, CKO_PRIVATE_KEY);
    wanted.add_text(CKA_LABEL, label);
    const auto found = find_objects(session, std::move(wanted));
    if(found.size() == 1) {
        return found.front();
    }
    throw Error(found.empty() ? Errc::key_not_found : Errc::key_ambiguous,
                "the token has " + std::to_string(found.size()) + " private keys with label " + in_quotes(label),
                "name one that is there once; `keyway key list` shows them");
}

const Way* way_for(CK_ULONG key_type) {
    const auto type = key_type == CKK_RSA  ? CK_MECHANISM_TYPE{CKM_RSA_PKCS}
                      : key_type == CKK_EC ? CK_MECHANISM_TYPE{CKM_ECDSA}
                                           : CK_MECHANISM_TYPE{CKM_EDDSA};
    const bool known = key_type == CKK_RSA || key_type == CKK_EC || key_type == CKK_EC_EDWARDS;
    return known ? &*std::ranges::find(ways, type, &Way::type) : nullptr;
}

void compare_with_copy(TrialSession& trials, const std::string& label, std::size_t repeats, ProbeReport& report) {
    const auto key = find_private_key(trials.session(), label);
    const auto* const way = way_for(read_number(trials.session(), key, CKA_KEY_TYPE).value_or(CK_UNAVAILABLE_INFORMATION));
    if(way == nullptr) {
        report.notes.push_back("the key " + in_quotes(label) + " is of a kind that is not measured");
        return;
    }
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    if(const auto result = copy(trials, key, made); result != CKR_OK) {
        report.notes.push_back("the key " + in_quotes(label) + " was not copied: " + return_value_name(result));
        return;
    }
    const auto input = input_of(*way, {'k', 'e', 'y', 'w', 'a', 'y'});
    // In turn, so that whatever slows the machine down slows both.
    std::vector<std::chrono::nanoseconds> of_key;
    std::vector<std::chrono::nanoseconds> of_copy;
    auto worst = CK_RV{CKR_OK};
    const auto once = [&](CK_OBJECT_HANDLE handle) {
        return median_time(1, [&] {
            const auto answer = sign(trials, *way, handle, input, largest_signature);
            worst = answer.result == CKR_OK ? worst : answer.result;
        });
    };
    for(std::size_t i = 0; i < std::max<std::size_t>(repeats, 1) && worst == CKR_OK; ++i) {
        of_key.push_back(once(key));
        of_copy.push_back(once(made));
    }
    if(worst != CKR_OK) {
        report.notes.push_back("the key " + in_quotes(label) + " or its copy did not sign: " + return_value_name(worst));
        return;  // the copy went with the session in which the call failed
    }
    trials.calls().C_DestroyObject(trials.handle(), made);
    std::ranges::sort(of_key);
    std::ranges::sort(of_copy);
    const auto fast = std::max<std::int64_t>(of_copy[of_copy.size() / 2].count(), 1);
    report.copy_speed = static_cast<double>(of_key[of_key.size() / 2].count()) / static_cast<double>(fast);
}

}  // namespace

void probe_signing(TrialSession& trials, const std::vector<ProbedKey>& keys, const ProbeOptions& options,
                   ProbeReport& report) {
    for(const auto& way : ways) {
        const auto* const key = key_of(keys, way.kind);
        if(key == nullptr) {
            SigningFinding finding;
            finding.mechanism = constant_name(NameFamily::mechanisms, way.type);
            finding.key = kind_name(way.kind);
            finding.hashes = way.hashes;
            finding.listed = is_listed(report, finding.mechanism);
            report.signing.push_back(std::move(finding));
            continue;
        }
        report.signing.push_back(try_way(trials, way, *key, options, report));
        // What hashes in the token takes the message, as EdDSA does; one hash of each kind shows how much of it.
        const bool takes_message = way.hash.empty() || (way.hashes && way.hash == "SHA-256");
        if(report.signing.back().works && takes_message) {
            const auto buffer = report.signing.back().exact_buffer ? signature_size(way.kind) : largest_signature;
            report.data_limits.push_back(find_limit(trials, way, *key, options.longest_message, buffer));
        }
    }
}

void probe_copies(TrialSession& trials, const std::vector<ProbedKey>& keys, const ProbeOptions& options,
                  ProbeReport& report) {
    if(!keys.empty()) {
        CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
        const auto result = copy(trials, keys.front().private_object, made);
        report.copy_object = return_value_name(result);
        if(result == CKR_OK) {
            trials.calls().C_DestroyObject(trials.handle(), made);
        }
    }
    if(options.key_label) {
        compare_with_copy(trials, *options.key_label, options.repeats, report);
    }
}

}  // namespace keyway::pkcs11
