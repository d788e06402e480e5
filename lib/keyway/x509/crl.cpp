// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/der_internal.hpp>
#include <keyway/x509/signed_object_internal.hpp>

#include <keyway/core/error.hpp>
#include <keyway/x509/crl.hpp>

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

Error invalid(std::string message, std::string hint = {}) {
    return {Errc::invalid_argument, std::move(message), std::move(hint)};
}

struct Times {
    Botan::ASN1_Time this_update;
    Botan::ASN1_Time next_update;
};

Times times_of(const CrlFields& fields, const Issuer& issuer) {
    Times times{x509_time(fields.this_update, "the time of this update"),
                x509_time(fields.next_update, "the time of the next update")};
    if(times.next_update <= times.this_update) {
        throw invalid("the next update at " + times.next_update.readable_string() +
                      " is not after this one at " + times.this_update.readable_string());
    }
    const Botan::X509_Certificate& certificate = issuer.certificate();
    if(times.this_update < certificate.not_before() || times.this_update > certificate.not_after()) {
        throw invalid("the update at " + times.this_update.readable_string() +
                          " is not within the validity of the issuer " + in_quotes(issuer.name().to_string()),
                      "the issuer is valid from " + certificate.not_before().readable_string() + " to " +
                          certificate.not_after().readable_string());
    }
    return times;
}

void require_issuer_may_sign_lists(const Issuer& issuer) {
    const Botan::X509_Certificate& certificate = issuer.certificate();
    if(!certificate.is_CA_cert() || !certificate.allowed_usage(Botan::Key_Constraints::CrlSign)) {
        throw invalid("the issuer " + in_quotes(issuer.name().to_string()) +
                      " is not a CA that may sign revocation lists");
    }
}

std::vector<RevokedCertificate> sorted(const CrlFields& fields, const Botan::ASN1_Time& this_update) {
    for(const RevokedCertificate& entry : fields.revoked) {
        if(entry.reason == Botan::CRL_Code::RemoveFromCrl) {
            throw invalid(
                "serial number " + in_quotes(entry.serial.to_hex()) + " has the reason \"removeFromCRL\"",
                "that reason is for delta lists; leave the certificate out of this one");
        }
        if(x509_time(entry.revoked_at, "the time of a revocation") > this_update) {
            throw invalid("serial number " + in_quotes(entry.serial.to_hex()) +
                          " is revoked after the time of the list");
        }
    }
    std::vector<RevokedCertificate> out = fields.revoked;
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.serial < b.serial; });
    const auto twice = std::adjacent_find(out.begin(), out.end(),
                                          [](const auto& a, const auto& b) { return a.serial == b.serial; });
    if(twice != out.end()) {
        throw invalid("serial number " + in_quotes(twice->serial.to_hex()) + " is in the list twice");
    }
    return out;
}

std::vector<std::uint8_t> encode_entry(const RevokedCertificate& entry) {
    return der_of([&](Botan::DER_Encoder& out) {
        out.start_sequence();
        put_unsigned(out, entry.serial.bytes());
        out.encode(x509_time(entry.revoked_at, "the time of a revocation"));
        // RFC 5280 5.3.1: leave the reason out instead of saying that it is unspecified
        if(entry.reason != Botan::CRL_Code::Unspecified) {
            put_extensions(out, {crl_reason(entry.reason)});
        }
        out.end_cons();
    });
}

Extensions extensions_of(const CrlFields& fields, const Issuer& issuer) {
    Extensions out{authority_key_identifier(issuer.key_identifier())};
    if(!fields.urls.empty() || fields.scope != CrlScope::all) {
        out.push_back(issuing_distribution_point(fields.urls, fields.scope));
    }
    out.push_back(crl_number(fields.number));
    return out;
}

}  // namespace

Botan::X509_CRL issue_crl(Issuer& issuer, const CrlFields& fields, Botan::RandomNumberGenerator& rng) {
    constexpr std::size_t version_2 = 1;
    require_issuer_may_sign_lists(issuer);
    const Times times = times_of(fields, issuer);
    const std::vector<RevokedCertificate> revoked = sorted(fields, times.this_update);

    // TBSCertList, RFC 5280 5.1.2
    const std::vector<std::uint8_t> to_be_signed = der_of([&](Botan::DER_Encoder& out) {
        out.start_sequence();
        out.encode(version_2).encode(issuer.algorithm()).raw_bytes(issuer.name().der());
        out.encode(times.this_update).encode(times.next_update);
        // RFC 5280 5.1.2.6: without revoked certificates, the list of them is absent, not empty
        if(!revoked.empty()) {
            out.start_sequence();
            for(const RevokedCertificate& entry : revoked) {
                out.raw_bytes(encode_entry(entry));
            }
            out.end_cons();
        }
        out.start_explicit(0);
        put_extensions(out, extensions_of(fields, issuer));
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
        if(entry.name == text) {
            return entry.reason;
        }
        known += known.empty() ? "" : ", ";
        known += entry.name;
    }
    throw invalid("unknown revocation reason " + in_quotes(text), "use one of " + known);
}

}  // namespace keyway::x509
