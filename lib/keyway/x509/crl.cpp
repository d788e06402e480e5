// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/attribute_types_internal.hpp>
#include <keyway/x509/der_internal.hpp>
#include <keyway/x509/issuer_internal.hpp>
#include <keyway/x509/signed_object_internal.hpp>

#include <keyway/core/error.hpp>
#include <keyway/x509/crl.hpp>
#include <keyway/x509/validity.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace keyway::x509 {

namespace {

struct ReasonName {
    Botan::CRL_Code reason;
    std::string_view name;
};

/// @spec RFC 5280 5.3.1
constexpr std::array reasons{
    ReasonName{Botan::CRL_Code::Unspecified, "unspecified"},
    ReasonName{Botan::CRL_Code::KeyCompromise, "keyCompromise"},
    ReasonName{Botan::CRL_Code::CaCompromise, "cACompromise"},
    ReasonName{Botan::CRL_Code::AffiliationChanged, "affiliationChanged"},
    ReasonName{Botan::CRL_Code::Superseded, "superseded"},
    ReasonName{Botan::CRL_Code::CessationOfOperation, "cessationOfOperation"},
    ReasonName{Botan::CRL_Code::CertificateHold, "certificateHold"},
    ReasonName{Botan::CRL_Code::RemoveFromCrl, "removeFromCRL"},
    ReasonName{Botan::CRL_Code::PrivilegeWithdrawn, "privilegeWithdrawn"},
    ReasonName{Botan::CRL_Code::AaCompromise, "aACompromise"},
};

constexpr std::string_view time_of_revocation = "the time of a revocation";

Error invalid(std::string message, std::string hint = {}) {
    return {Errc::invalid_argument, std::move(message), std::move(hint)};
}

struct Times {
    Botan::ASN1_Time this_update;
    Botan::ASN1_Time next_update;
};

Times times_of(const CrlFields& fields, const Botan::X509_Certificate& issuer) {
    Times times{to_asn1(fields.this_update, "the time of this update"),
                to_asn1(fields.next_update, "the time of the next update")};
    if(fields.next_update <= fields.this_update) {
        throw invalid("the next update at " + to_iso_8601(fields.next_update) + " is not after this one at " +
                          to_iso_8601(fields.this_update),
                      "give a later time for the next update");
    }
    const Validity span = validity_of(issuer);
    if(fields.this_update < span.not_before || fields.this_update > span.not_after) {
        throw invalid("the update at " + to_iso_8601(fields.this_update) + " is not within the validity of the issuer " +
                          in_quotes(issuer_name(issuer).to_string()),
                      "the issuer is valid from " + to_iso_8601(span.not_before) + " to " + to_iso_8601(span.not_after));
    }
    return times;
}

void require_issuer_may_sign_lists(const Botan::X509_Certificate& issuer) {
    if(!issuer.is_CA_cert() || !issuer.allowed_usage(Botan::Key_Constraints::CrlSign)) {
        throw invalid(
            "the issuer " + in_quotes(issuer_name(issuer).to_string()) + " is not a CA that may sign revocation lists",
            "give the certificate of a CA: basic constraints CA:TRUE, and key usage cRLSign if any");
    }
}

void require_entry(const RevokedCertificate& entry, Time this_update) {
    const std::string serial = in_quotes(entry.serial.to_hex());
    if(entry.reason == Botan::CRL_Code::RemoveFromCrl) {
        throw invalid("serial number " + serial + " has the reason \"removeFromCRL\"",
                      "that reason is for delta lists; leave the certificate out of this one");
    }
    static_cast<void>(to_asn1(entry.revoked_at, time_of_revocation));
    if(entry.revoked_at > this_update) {
        throw invalid("serial number " + serial + " is revoked at " + to_iso_8601(entry.revoked_at) +
                          ", after the time of the list",
                      "the list is of " + to_iso_8601(this_update) + ": give that time or an earlier one");
    }
}

std::vector<RevokedCertificate> sorted(const CrlFields& fields) {
    for(const RevokedCertificate& entry : fields.revoked) {
        require_entry(entry, fields.this_update);
    }
    std::vector<RevokedCertificate> out = fields.revoked;
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.serial < b.serial; });
    const auto twice = std::adjacent_find(out.begin(), out.end(),
                                          [](const auto& a, const auto& b) { return a.serial == b.serial; });
    if(twice != out.end()) {
        throw invalid("serial number " + in_quotes(twice->serial.to_hex()) + " is in the list twice",
                      "name each certificate once; leading zeros do not make another serial number");
    }
    return out;
}

std::vector<std::uint8_t> encode_entry(const RevokedCertificate& entry) {
    return der_of([&](Botan::DER_Encoder& out) {
        out.start_sequence();
        put_unsigned(out, entry.serial.bytes());
        out.encode(to_asn1(entry.revoked_at, time_of_revocation));
        // RFC 5280 5.3.1: leave the reason out instead of saying that it is unspecified
        if(entry.reason != Botan::CRL_Code::Unspecified) {
            put_extensions(out, {crl_reason(entry.reason)});
        }
        out.end_cons();
    });
}

Extensions extensions_of(const CrlFields& fields, const Botan::X509_Certificate& issuer) {
    Extensions out{authority_key_identifier(issuer_key_identifier(issuer))};
    if(!fields.urls.empty() || fields.scope != CrlScope::all) {
        out.push_back(issuing_distribution_point(fields.urls, fields.scope));
    }
    out.push_back(crl_number(fields.number));
    return out;
}

/// All of a list that its signature does not decide.
struct Content {
    Times times;
    std::vector<RevokedCertificate> revoked;
    Extensions extensions;
};

Content content_of(const Botan::X509_Certificate& issuer, const CrlFields& fields) {
    require_issuer_may_sign_lists(issuer);
    Times times = times_of(fields, issuer);
    return {std::move(times), sorted(fields), extensions_of(fields, issuer)};
}

}  // namespace

void check_crl(const Botan::X509_Certificate& issuer, const CrlFields& fields, const SignatureWish& wish) {
    require_usable_issuer(issuer, wish);
    static_cast<void>(content_of(issuer, fields));
}

Botan::X509_CRL issue_crl(Issuer& issuer, const CrlFields& fields, Botan::RandomNumberGenerator& rng) {
    constexpr std::size_t version_2 = 1;
    const Content content = content_of(issuer.certificate(), fields);

    // TBSCertList, RFC 5280 5.1.2
    const std::vector<std::uint8_t> to_be_signed = der_of([&](Botan::DER_Encoder& out) {
        out.start_sequence();
        out.encode(version_2).encode(issuer.algorithm()).raw_bytes(issuer.name().der());
        out.encode(content.times.this_update).encode(content.times.next_update);
        // RFC 5280 5.1.2.6: without revoked certificates, the list of them is absent, not empty
        if(!content.revoked.empty()) {
            out.start_sequence();
            for(const RevokedCertificate& entry : content.revoked) {
                out.raw_bytes(encode_entry(entry));
            }
            out.end_cons();
        }
        out.start_explicit(0);
        put_extensions(out, content.extensions);
        out.end_explicit().end_cons();
    });
    return Botan::X509_CRL(issuer.sign(to_be_signed, rng));
}

std::string_view to_string(Botan::CRL_Code reason) noexcept {
    for(const ReasonName& entry : reasons) {
        if(entry.reason == reason) {
            return entry.name;
        }
    }
    return "unspecified";
}

Botan::CRL_Code parse_revocation_reason(std::string_view text) {
    std::string known;
    for(const ReasonName& entry : reasons) {
        if(same_word(entry.name, text)) {
            return entry.reason;
        }
        if(entry.reason == Botan::CRL_Code::RemoveFromCrl) {
            continue;  // read, so that its refusal can say why, but not recommended
        }
        known += known.empty() ? "" : ", ";
        known += entry.name;
    }
    throw invalid("unknown revocation reason " + in_quotes(text), "use one of " + known);
}

}  // namespace keyway::x509
