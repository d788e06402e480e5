// SPDX-License-Identifier: BSD-2-Clause
#include "issuing.hpp"

#include "../input_file.hpp"
#include "../json_output.hpp"
#include "../terminal.hpp"
#include "../times.hpp"

#include <keyway/core/error.hpp>
#include <keyway/x509/pem.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace keyway::cli {

namespace {

constexpr unsigned long most_days = 36525;

std::string join(const x509::GeneralNames& names) {
    std::string list;
    for(const auto& name : names) {
        list += (list.empty() ? "" : ", ") + name.to_string();
    }
    return list;
}

Json json_of(const x509::GeneralNames& names) {
    auto list = Json::array();
    for(const auto& name : names) {
        list.push_back(name.to_string());
    }
    return list;
}

}  // namespace

std::vector<Flag> validity_flags(const std::string& usual) {
    return {{.name = "days", .value = "N", .help = "how long it holds (default: " + usual + ")"},
            {.name = "not-after",
             .value = "TIME",
             .help = "until when it holds: 2030-12-31 or 2030-12-31T23:59:59Z"}};
}

x509::Validity validity(const Session& session, const Arguments& arguments, std::chrono::days usual,
                        const std::optional<Botan::X509_Certificate>& issuer) {
    const auto days = arguments.number("days", 1, most_days);
    const auto end = arguments.value("not-after");
    if(days && end) {
        throw Error(Errc::usage, "--days and --not-after are given both", "keep one of the two");
    }
    const auto now = session.now();
    if(end) {
        return {now, parse_time(*end, "--not-after")};
    }
    if(days) {
        return {now, now + std::chrono::days(*days)};
    }
    const auto last = issuer ? x509::validity_of(*issuer).not_after : Time::max();
    return {now, std::min<Time>(now + usual, last)};
}

std::vector<Flag> url_flags() {
    return {
        {.name = "crl-url", .takes = Takes::many, .value = "URL", .help = "where the issuer's CRL will be"},
        {.name = "ocsp-url",
         .takes = Takes::many,
         .value = "URL",
         .help = "where the issuer's OCSP responder is"},
        {.name = "issuer-url",
         .takes = Takes::many,
         .value = "URL",
         .help = "where the issuer's certificate is"}};
}

x509::Urls urls(const Arguments& arguments) {
    return {.ocsp = arguments.values("ocsp-url"),
            .ca_issuers = arguments.values("issuer-url"),
            .crl = arguments.values("crl-url")};
}

SignatureWish signature_wish(const Arguments& arguments) {
    const auto text = arguments.value("scheme");
    return text ? parse_signature_wish(*text) : SignatureWish{};
}

Botan::X509_Certificate certificate_of(const Arguments& arguments, std::string_view flag) {
    return read_input_as(arguments.required(flag),
                         [](const auto& bytes) { return x509::read_certificate(bytes); });
}

MaybeCertificate sign_certificate(Session& session, const NamedKey& issuer_key, const x509::CertificateFields& fields,
                                  const std::function<MaybeCertificate(const Botan::Private_Key&)>& sign) {
    return session.audited({.operation = "sign-certificate", .backend = issuer_key.backend.str(), .object = fields.serial.to_hex()},
                           [&](AuditEntry& entry) {
                               const auto opened = session.open(issuer_key, entry);
                               return sign(*opened.key);
                           });
}

void require_own_place(const NamedKey& named) {
    const auto* const ref = std::get_if<KeyRef>(&named.key);
    if(ref != nullptr && ref->fallback_from()) {
        throw Error(Errc::unsupported,
                    "the key in backend " + in_quotes(ref->backend().str()) + " was made in place of one in " +
                        in_quotes(ref->fallback_from()->str()) + ", and cannot be the key of a CA",
                    "make one there: keyway key create --purpose ca --backend " + ref->fallback_from()->str())
            .in_backend(ref->backend().str());
    }
}

void report_dry_run(const Session& session, x509::CertificateKind kind, const x509::CertificateFields& fields,
                    const SignatureScheme& scheme) {
    const std::string profile(x509::profile_of(kind).name);
    const auto subject = fields.subject.to_string();
    const auto until = to_iso_8601(fields.validity.not_after);
    session.report(Json{{"dry-run", true},
                        {"profile", profile},
                        {"subject", subject},
                        {"names", json_of(fields.alternative_names)},
                        {"not-after", until},
                        {"scheme", scheme.name()}},
                   "would issue a certificate:\n" + facts({{"profile", profile},
                                                           {"subject", subject},
                                                           {"names", join(fields.alternative_names)},
                                                           {"not after", until},
                                                           {"signed with", scheme.name()}}));
}

void hand_out(const Session& session, x509::CertificateKind kind, const x509::CertificateFields& fields,
              const Botan::X509_Certificate& certificate, const OutputFile& file) {
    const std::string profile(x509::profile_of(kind).name);
    const auto& names = fields.alternative_names;
    if(!file.is_standard_output() || !session.json()) {
        file.write(certificate.PEM_encode());
    }
    auto json = cli::json_of(certificate);
    json["profile"] = profile;
    json["names"] = json_of(names);
    json["spki-sha256"] = SpkiFingerprint::of(*certificate.subject_public_key()).to_string();
    json["out"] = file.name();
    if(session.json() || !file.is_standard_output()) {
        session.report(json, facts({{"profile", profile},
                                    {"subject", json["subject"].get<std::string>()},
                                    {"issuer", json["issuer"].get<std::string>()},
                                    {"names", join(names)},
                                    {"serial", json["serial"].get<std::string>()},
                                    {"not before", json["not-before"].get<std::string>()},
                                    {"not after", json["not-after"].get<std::string>()},
                                    {"file", file.name()}}));
    }
}

}  // namespace keyway::cli
