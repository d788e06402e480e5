// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/der_internal.hpp>
#include <keyway/x509/issuer_internal.hpp>
#include <keyway/x509/signed_object_internal.hpp>

#include <keyway/core/error.hpp>
#include <keyway/x509/certificate.hpp>

#include <string>
#include <utility>

namespace keyway::x509 {

namespace {

Error unfit(const Profile& profile, const std::string& why, std::string hint = {}) {
    return {Errc::invalid_argument, "a certificate of profile " + in_quotes(profile.name) + " " + why,
            std::move(hint)};
}

struct Part {
    std::string_view name;
    std::string_view hint;  ///< where it is missing
};

constexpr Part subject_part{"a subject", "give one, for instance CN=Example,O=Example Org,C=NO"};
constexpr Part names_part{"an alternative name",
                          "give one, for instance dns:www.example.com, or ask for a request with the extension "
                          "subjectAltName: a host in the common name does not count"};

void require_presence(const Profile& profile, Presence presence, bool given, const Part& part) {
    if(given && presence == Presence::absent) {
        throw unfit(profile, "cannot have " + std::string(part.name), "leave it out, or choose another profile");
    }
    if(!given && presence == Presence::required) {
        throw unfit(profile, "must have " + std::string(part.name), std::string(part.hint));
    }
}

void require_fields_of(const Profile& profile, const CertificateFields& fields) {
    require_presence(profile, profile.subject, !fields.subject.empty(), subject_part);
    require_presence(profile, profile.alternative_names, !fields.alternative_names.empty(), names_part);
    require_presence(profile, profile.path_length, fields.path_length.has_value(), {"a path length", ""});
    require_presence(profile, profile.name_constraints, fields.name_constraints.has_value(),
                     {"name constraints", ""});
    require_presence(profile, profile.ca_issuers_url, !fields.urls.ca_issuers.empty(),
                     {"a URL of the issuer", ""});
    require_presence(profile, profile.revocation_urls, !fields.urls.ocsp.empty() || !fields.urls.crl.empty(),
                     {"a URL of an OCSP responder or CRL", ""});
    if(fields.subject.empty() && fields.alternative_names.empty()) {
        throw unfit(profile, "must have a subject or an alternative name",
                    "give at least one of them, for instance CN=Example or dns:host.example.com");
    }
    const auto& constraints = fields.name_constraints;
    if(constraints && constraints->permitted.empty() && constraints->excluded.empty()) {
        throw unfit(profile, "has name constraints that constrain nothing",
                    "permit or exclude at least one name, or leave the constraints out");
    }
    fields.subject.require_fitting_values();
}

GeneralNames alternative_names_of(const CertificateFields& fields) {
    constexpr std::size_t most = 1000;
    GeneralNames names = without_duplicates(fields.alternative_names);
    if(names.size() > most) {
        throw Error{Errc::invalid_argument,
                    "there are " + std::to_string(names.size()) + " alternative names for one certificate",
                    "use at most " + std::to_string(most) + ", and several certificates"};
    }
    return names;
}

/// The key must be able to do what the profile's key usage says. @spec RFC 5280 4.2.1.3
Botan::Key_Constraints usage_of(const Profile& profile, const Botan::Public_Key& key) {
    const bool rsa = key.algo_name() == "RSA";
    const Botan::Key_Constraints usage(profile.key_usage | (rsa ? profile.key_usage_of_rsa : 0U));
    if(!usage.compatible_with(key)) {
        throw Error{Errc::unsupported,
                    "a key of type " + in_quotes(key.algo_name()) + " does not fit profile " +
                        in_quotes(profile.name),
                    "use a key that can sign"};
    }
    return usage;
}

Extensions extensions_of(const Profile& profile, const CertificateFields& fields,
                         const Botan::Public_Key& key,
                         const std::vector<std::uint8_t>& issuer_key_identifier) {
    Extensions out;
    out.push_back(profile.authority == Presence::required ? basic_constraints_of_authority(fields.path_length)
                                                          : basic_constraints_of_end_entity());
    out.push_back(key_usage(usage_of(profile, key)));
    if(!profile.purpose.empty()) {
        out.push_back(extended_key_usage({Botan::OID(profile.purpose)}));
    }
    out.push_back(subject_key_identifier(key_identifier(key.public_key_bits())));
    if(profile.authority_key_identifier == Presence::required) {
        out.push_back(authority_key_identifier(issuer_key_identifier));
    }
    if(const GeneralNames names = alternative_names_of(fields); !names.empty()) {
        const auto criticality = fields.subject.empty() ? Criticality::critical : Criticality::non_critical;
        out.push_back(subject_alternative_name(names, criticality));
    }
    if(fields.name_constraints) {
        out.push_back(name_constraints(*fields.name_constraints));
    }
    if(!fields.urls.ocsp.empty() || !fields.urls.ca_issuers.empty()) {
        out.push_back(authority_information_access(fields.urls));
    }
    if(!fields.urls.crl.empty()) {
        out.push_back(crl_distribution_points(fields.urls.crl));
    }
    if(profile.ocsp_no_check == Presence::required) {
        out.push_back(ocsp_no_check());
    }
    return out;
}

struct Times {
    Botan::ASN1_Time not_before;
    Botan::ASN1_Time not_after;
};

Times times_of(const Validity& validity) {
    Times times{to_asn1(validity.not_before, "the start of the validity"),
                to_asn1(validity.not_after, "the end of the validity")};
    if(validity.not_after <= validity.not_before) {
        throw Error{Errc::invalid_argument,
                    "the validity ends at " + to_iso_8601(validity.not_after) +
                        ", which is not after its start at " + to_iso_8601(validity.not_before),
                    "give a later end"};
    }
    return times;
}

struct ToBeSigned {
    const Botan::AlgorithmIdentifier& algorithm;
    const DistinguishedName& issuer;
    const Times& times;
    const CertificateFields& fields;
    const Botan::Public_Key& key;
    const Extensions& extensions;
};

/// TBSCertificate. @spec RFC 5280 4.1
std::vector<std::uint8_t> encode(const ToBeSigned& parts) {
    constexpr std::size_t version_3 = 2;
    return der_of([&](Botan::DER_Encoder& out) {
        out.start_sequence();
        out.start_explicit(0).encode(version_3).end_explicit();
        put_unsigned(out, parts.fields.serial.bytes());
        out.encode(parts.algorithm).raw_bytes(parts.issuer.der());
        out.start_sequence().encode(parts.times.not_before).encode(parts.times.not_after).end_cons();
        out.raw_bytes(parts.fields.subject.der()).raw_bytes(parts.key.subject_public_key());
        out.start_explicit(3);
        put_extensions(out, parts.extensions);
        out.end_explicit().end_cons();
    });
}

void require_room_below(const Botan::X509_Certificate& issuer, const std::string& name,
                        const CertificateFields& fields) {
    const std::optional<std::size_t> limit = issuer.path_length_constraint();
    if(!limit) {
        return;
    }
    if(*limit == 0) {
        throw Error{Errc::invalid_argument, "the issuer " + name + " has path length 0: no CA may follow below it",
                    "use an issuer of a greater path length, or make this one anew with one"};
    }
    if(fields.path_length && *fields.path_length >= *limit) {
        throw Error{Errc::invalid_argument,
                    "path length " + std::to_string(*fields.path_length) + " is too much below the issuer " +
                        name + " of path length " + std::to_string(*limit),
                    "use at most " + std::to_string(*limit - 1)};
    }
}

void require_issuer_may_issue(const Botan::X509_Certificate& issuer, const Profile& profile,
                              const CertificateFields& fields) {
    const std::string name = in_quotes(issuer_name(issuer).to_string());
    if(!issuer.is_CA_cert() || !issuer.allowed_usage(Botan::Key_Constraints::KeyCertSign)) {
        throw Error{Errc::invalid_argument, "the issuer " + name + " is not a CA that may sign certificates",
                    "give the certificate of a CA: basic constraints CA:TRUE, and key usage keyCertSign if any"};
    }
    const auto& [not_before, not_after] = fields.validity;
    const Validity span = validity_of(issuer);
    if(not_before < span.not_before || not_after > span.not_after) {
        throw Error{Errc::invalid_argument,
                    "the validity from " + to_iso_8601(not_before) + " to " + to_iso_8601(not_after) +
                        " is not within that of the issuer " + name,
                    "the issuer is valid from " + to_iso_8601(span.not_before) + " to " + to_iso_8601(span.not_after)};
    }
    if(profile.authority == Presence::required) {
        require_room_below(issuer, name, fields);
    }
}

/// All of a certificate that its signature does not decide.
struct Content {
    Times times;
    Extensions extensions;
};

Content root_content(const Botan::Public_Key& key, const CertificateFields& fields) {
    const Profile& profile = profile_of(CertificateKind::root);
    require_fields_of(profile, fields);
    Times times = times_of(fields.validity);
    require_certifiable_key(key);
    return {std::move(times), extensions_of(profile, fields, key, {})};
}

Content content_below(const Botan::X509_Certificate& issuer, CertificateKind kind,
                      const Botan::Public_Key& subject_key, const CertificateFields& fields) {
    const Profile& profile = profile_of(kind);
    if(kind == CertificateKind::root) {
        throw unfit(profile, "signs itself and has no other issuer",
                    "issue it as a root, or choose the profile \"intermediate\"");
    }
    require_fields_of(profile, fields);
    Times times = times_of(fields.validity);
    require_certifiable_key(subject_key);
    require_issuer_may_issue(issuer, profile, fields);
    return {std::move(times), extensions_of(profile, fields, subject_key, issuer_key_identifier(issuer))};
}

}  // namespace

Botan::X509_Certificate issue_root(const Botan::Private_Key& key, const CertificateFields& fields,
                                   Botan::RandomNumberGenerator& rng, const SignatureWish& wish) {
    const std::unique_ptr<Botan::Public_Key> public_key = key.public_key();
    const Content content = root_content(*public_key, fields);
    ObjectSigner signer(key, key.public_key(), choose_scheme(*public_key, wish), rng);
    return Botan::X509_Certificate(signer.sign(encode({signer.algorithm(), fields.subject, content.times, fields,
                                                       *public_key, content.extensions}),
                                               rng));
}

Botan::X509_Certificate issue_certificate(Issuer& issuer, CertificateKind kind,
                                          const Botan::Public_Key& subject_key,
                                          const CertificateFields& fields,
                                          Botan::RandomNumberGenerator& rng) {
    const Content content = content_below(issuer.certificate(), kind, subject_key, fields);
    return Botan::X509_Certificate(issuer.sign(encode({issuer.algorithm(), issuer.name(), content.times, fields,
                                                       subject_key, content.extensions}),
                                               rng));
}

void check_root(const Botan::Public_Key& key, const CertificateFields& fields, const SignatureWish& wish) {
    static_cast<void>(root_content(key, fields));
    static_cast<void>(choose_scheme(key, wish));
}

void check_certificate(const Botan::X509_Certificate& issuer, CertificateKind kind,
                       const Botan::Public_Key& subject_key, const CertificateFields& fields,
                       const SignatureWish& wish) {
    require_usable_issuer(issuer, wish);
    static_cast<void>(content_below(issuer, kind, subject_key, fields));
}

}  // namespace keyway::x509
