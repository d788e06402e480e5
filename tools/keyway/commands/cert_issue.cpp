// SPDX-License-Identifier: BSD-2-Clause
#include "../input_file.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "issuing.hpp"

#include <keyway/core/error.hpp>
#include <keyway/options/suggestion.hpp>
#include <keyway/x509/issuer.hpp>
#include <keyway/x509/request.hpp>

#include <botan/system_rng.h>

#include <algorithm>
#include <array>

namespace keyway::cli {

namespace {

struct LeafProfile {
    std::string_view name;
    x509::CertificateKind kind;
    std::chrono::days usual;
};

constexpr std::array profiles{
    LeafProfile{"server", x509::CertificateKind::server, std::chrono::days(90)},
    LeafProfile{"client", x509::CertificateKind::client, std::chrono::days(365)},
    LeafProfile{"ocsp", x509::CertificateKind::ocsp_responder, std::chrono::days(30)},
};

const LeafProfile& profile_of(const std::string& name) {
    const auto* const found = std::ranges::find(profiles, std::string_view(name), &LeafProfile::name);
    if(found != profiles.end()) {
        return *found;
    }
    throw Error(Errc::invalid_argument, "there is no profile " + in_quotes(name),
                name == "root" || name == "intermediate" ? "authorities are made with: keyway ca create"
                                                         : name_hint(name, {"server", "client", "ocsp"}));
}

/// Splits `dns:a,ip:b` at the commas that a new kind follows; URIs may have others.
std::vector<std::string> split_names(const std::string& text) {
    constexpr std::array<std::string_view, 4> kinds{"dns:", "ip:", "email:", "uri:"};
    std::vector<std::string> out(1);
    for(std::size_t i = 0; i < text.size(); ++i) {
        const auto rest = std::string_view(text).substr(i + 1);
        const auto follows = [&](std::string_view kind) { return rest.starts_with(kind); };
        if(text[i] == ',' && std::ranges::any_of(kinds, follows)) {
            out.emplace_back();
        } else {
            out.back() += text[i];
        }
    }
    return out;
}

x509::GeneralNames names_of(const Arguments& arguments) {
    x509::GeneralNames names;
    for(const auto& value : arguments.values("san")) {
        for(const auto& name : split_names(value)) {
            names.push_back(x509::GeneralName::parse(name));
        }
    }
    return names;
}

/// What is to be certified, from a request or from a key of ours.
struct Subject {
    std::shared_ptr<const Botan::Public_Key> key;
    x509::DistinguishedName name;
    x509::GeneralNames alternative_names;
};

Subject subject_of(Session& session, const Arguments& arguments, const std::optional<NamedKey>& named) {
    Subject subject;
    if(named) {
        subject.key = session.open(*named).key->public_key();
    } else {
        const auto request = read_input_as(arguments.required("csr"),
                                           [](const auto& bytes) { return x509::read_request(bytes); });
        subject = {request.public_key, request.subject, request.alternative_names};
    }
    if(const auto text = arguments.value("subject")) {
        subject.name = x509::DistinguishedName::parse(*text);
    }
    if(arguments.has("san")) {
        subject.alternative_names = names_of(arguments);
    }
    return subject;
}

void run(Session& session, const Arguments& arguments) {
    if(arguments.has("csr") == arguments.has("key")) {
        throw Error(Errc::usage, "give either --csr or --key", "a request by others, or a key of a backend");
    }
    const auto& profile = profile_of(arguments.required("profile"));
    const OutputFile file(session, arguments);
    const auto issuer_certificate = certificate_of(arguments, "issuer");
    const auto issuer_named = session.named_key(arguments.required("issuer-key"));
    require_own_place(issuer_named);
    const auto key = arguments.value("key");
    const auto named = key ? std::optional(session.named_key(*key)) : std::nullopt;
    session.work_with({issuer_named.backend, named ? named->backend : issuer_named.backend});

    auto subject = subject_of(session, arguments, named);
    x509::CertificateFields fields{.subject = std::move(subject.name),
                                   .serial = x509::SerialNumber::random(Botan::system_rng()),
                                   .validity =
                                       validity(session, arguments, profile.usual, issuer_certificate),
                                   .alternative_names = std::move(subject.alternative_names),
                                   .urls = urls(arguments)};
    const auto wish = signature_wish(arguments);
    // What is wrong is told before the issuer's key is opened.
    x509::check_certificate(issuer_certificate, profile.kind, *subject.key, fields, wish);
    const auto certificate =
        sign_certificate(session, issuer_named, fields, [&](const Botan::Private_Key& issuer_key) -> MaybeCertificate {
            x509::Issuer issuer(issuer_certificate, issuer_key, Botan::system_rng(), wish);
            if(arguments.has("dry-run")) {
                report_dry_run(session, profile.kind, fields, issuer.scheme());
                return std::nullopt;
            }
            return x509::issue_certificate(issuer, profile.kind, *subject.key, fields, Botan::system_rng());
        });
    if(certificate) {
        hand_out(session, profile.kind, fields, *certificate, file);
    }
}

std::vector<Flag> flags() {
    std::vector<Flag> all{
        required({.name = "profile", .value = "NAME", .help = "what it is for: server, client or ocsp", .values = {"server", "client", "ocsp"}}),
        required(issuer_flag()),
        required(issuer_key_flag()),
        {.name = "csr", .value = "FILE", .help = "a certificate request (PKCS #10), in PEM or DER"},
        {.name = "key", .value = "REF", .help = "instead of a request: the key to certify"},
        {.name = "subject", .value = "NAME", .help = "its name; without it, the one of the request"},
        {.name = "san",
         .takes = Takes::many,
         .value = "NAMES",
         .help = "dns:HOST, ip:ADDRESS, email:ADDRESS or uri:URI, with commas between; without it, those of "
                 "the request"},
        OutputFile::out_flag("where the certificate goes, in PEM; - is standard output"),
        OutputFile::force_flag(),
    };
    const auto add = [&](const std::vector<Flag>& more) { all.insert(all.end(), more.begin(), more.end()); };
    add(validity_flags("server 90, client 365, ocsp 30, or to the end of its issuer"));
    add(url_flags());
    add({scheme_flag(), dry_run_flag()});
    return all;
}

}  // namespace

Command cert_issue_command() {
    return {
        .noun = "cert",
        .verb = "issue",
        .summary = "issue a certificate for a server, a client or an OCSP responder",
        .flags = flags(),
        .backend_phase = Phase::use,
        .details =
            "Of a request, only the key, the subject and the alternative names are taken: check them, for "
            "instance with --dry-run.",
        .example = "keyway cert issue --profile server --csr www.csr --san dns:www.example.com \\\n"
                   "    --issuer ca.pem --issuer-key ca.ref --out www.pem",
        .uses_keys = true,
        .run = run};
}

}  // namespace keyway::cli
