// SPDX-License-Identifier: BSD-2-Clause
#include "../input_file.hpp"
#include "../json_output.hpp"
#include "../terminal.hpp"
#include "../times.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "issuing.hpp"

#include <keyway/core/error.hpp>
#include <keyway/x509/crl.hpp>
#include <keyway/x509/issuer.hpp>
#include <keyway/x509/pem.hpp>

#include <botan/pkix_types.h>
#include <botan/system_rng.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <limits>

namespace keyway::cli {

namespace {

bool is_hex(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

/// Reads REASON[:TIME].
void set_reason(x509::RevokedCertificate& revoked, const std::string& text) {
    const auto colon = std::min(text.find(':'), text.size());
    revoked.reason = x509::parse_revocation_reason(text.substr(0, colon));
    if(colon < text.size()) {
        revoked.revoked_at = parse_time(text.substr(colon + 1), "the time of a revocation");
    }
}

/// Reads SERIAL[:REASON[:TIME]]. A serial number may have colons between its octets, as openssl prints it.
x509::RevokedCertificate parse_revocation(const std::string& text, Time now) {
    std::size_t end = 0;
    for(std::size_t from = 0; from <= text.size();) {
        const auto next = std::min(text.find(':', from), text.size());
        if(!is_hex(std::string_view(text).substr(from, next - from))) {
            break;
        }
        end = next;
        from = next + 1;
    }
    if(end == 0) {
        throw Error(Errc::invalid_argument, "--revoke " + in_quotes(text) + " does not begin with a serial number in hexadecimal",
                    "give SERIAL[:REASON[:TIME]], for instance 0A1B2C:keyCompromise; a certificate's file goes to --revoke-certificate");
    }
    x509::RevokedCertificate revoked{x509::SerialNumber::from_hex(text.substr(0, end)), now};
    if(end < text.size()) {
        set_reason(revoked, text.substr(end + 1));
    }
    return revoked;
}

bool is_reason(const std::string& text) {
    try {
        static_cast<void>(x509::parse_revocation_reason(text));
        return true;
    } catch(const Error&) {
        return false;
    }
}

/// Where there is no file of the whole name, but one of the part before a colon, what follows is meant for a reason.
void require_no_misspelt_reason(const std::string& text) {
    std::error_code ignored;
    const auto colon = text.find(':');
    if(colon != std::string::npos && !std::filesystem::exists(text, ignored) &&
       std::filesystem::exists(text.substr(0, colon), ignored)) {
        const auto reason = text.substr(colon + 1);
        static_cast<void>(x509::parse_revocation_reason(reason.substr(0, reason.find(':'))));
    }
}

/// Where the name of the file ends in FILE[:REASON[:TIME]]; a colon that no reason follows is part of it.
std::size_t end_of_name(const std::string& text) {
    auto colon = text.find(':');
    while(colon != std::string::npos) {
        const auto next = text.find(':', colon + 1);
        if(is_reason(text.substr(colon + 1, next == std::string::npos ? next : next - colon - 1))) {
            return colon;
        }
        colon = next;
    }
    require_no_misspelt_reason(text);
    return text.size();
}

/// Reads FILE[:REASON[:TIME]].
x509::RevokedCertificate parse_revoked_file(const std::string& text, const Botan::X509_Certificate& issuer,
                                            Time now) {
    const auto end = end_of_name(text);
    const auto name = text.substr(0, end);
    const auto certificate =
        read_input_as(name, [](const auto& bytes) { return x509::read_certificate(bytes); });
    if(certificate.issuer_dn() != issuer.subject_dn() ||
       !certificate.check_signature(*issuer.subject_public_key())) {
        throw Error(Errc::invalid_argument,
                    "the certificate " + in_quotes(name) + " was not issued by this issuer",
                    "only the issuer of a certificate can revoke it");
    }
    x509::RevokedCertificate revoked{x509::SerialNumber::of(certificate), now};
    if(end < text.size()) {
        set_reason(revoked, text.substr(end + 1));
    }
    return revoked;
}

x509::CrlFields fields_of(const Session& session, const Arguments& arguments,
                          const Botan::X509_Certificate& issuer) {
    const auto now = session.now();
    x509::CrlFields fields{.number = *arguments.number("number", 0, std::numeric_limits<long>::max()),
                           .this_update = now,
                           .next_update =
                               now + std::chrono::days(arguments.number("days", 1, 3653).value_or(7))};
    for(const auto& text : arguments.values("revoke")) {
        fields.revoked.push_back(parse_revocation(text, now));
    }
    for(const auto& text : arguments.values("revoke-certificate")) {
        fields.revoked.push_back(parse_revoked_file(text, issuer, now));
    }
    return fields;
}

/// Readers keep the list with the higher number: one with a lower number, or of an earlier time, would undo nothing but trust.
/// @throws Errc::invalid_argument when the file that is replaced is a newer list of this issuer
void require_newer(const OutputFile& file, const Botan::X509_Certificate& issuer, const x509::CrlFields& fields) {
    std::error_code ignored;
    if(file.is_standard_output() || !std::filesystem::exists(file.name(), ignored)) {
        return;
    }
    const auto old = [&]() -> std::optional<Botan::X509_CRL> {
        try {
            return Botan::X509_CRL(file.name());
        } catch(const Botan::Exception&) {
            return std::nullopt;  // --force replaces whatever is there
        }
    }();
    if(!old || old->issuer_dn() != issuer.subject_dn()) {
        return;
    }
    const auto refuse = [&](const std::string& what) {
        return Error(Errc::invalid_argument, "the list in " + in_quotes(file.name()) + " " + what,
                     "if it is to be replaced by an older one all the same, say --older");
    };
    if(old->crl_number() >= fields.number) {
        throw refuse("has the " + std::string(old->crl_number() == fields.number ? "same" : "higher") + " number " +
                     std::to_string(old->crl_number()));
    }
    if(old->this_update().time_since_epoch() >
       static_cast<std::uint64_t>(fields.this_update.time_since_epoch().count())) {
        throw refuse("is of a later time, " + old->this_update().readable_string());
    }
}

void run(Session& session, const Arguments& arguments) {
    const OutputFile file(session, arguments);
    const auto certificate = certificate_of(arguments, "issuer");
    const auto fields = fields_of(session, arguments, certificate);
    const auto wish = signature_wish(arguments);
    // What is wrong is told before the issuer's key is opened.
    if(!arguments.has("older")) {
        require_newer(file, certificate, fields);
    }
    x509::check_crl(certificate, fields, wish);
    const auto named = session.named_key(arguments.required("issuer-key"));
    require_own_place(named);
    session.work_with({named.backend});
    std::string scheme;
    const auto pem = session.audited(
        {.operation = "sign-crl", .backend = named.backend.str(), .object = std::to_string(fields.number)},
        [&](AuditEntry& entry) -> std::optional<std::string> {
            const auto key = session.open(named, entry);
            x509::Issuer issuer(certificate, *key.key, Botan::system_rng(), wish);
            scheme = issuer.scheme().name();
            return arguments.has("dry-run") ? std::nullopt
                                            : std::optional(x509::issue_crl(issuer, fields, Botan::system_rng()).PEM_encode());
        });

    const auto issuer = x509::DistinguishedName::from_botan(certificate.subject_dn()).to_string();
    Json json{{"issuer", issuer},
              {"number", fields.number},
              {"revoked", fields.revoked.size()},
              {"this-update", to_iso_8601(fields.this_update)},
              {"next-update", to_iso_8601(fields.next_update)},
              {"scheme", scheme}};
    const auto text = facts({{"issuer", issuer},
                             {"number", std::to_string(fields.number)},
                             {"revoked", std::to_string(fields.revoked.size())},
                             {"next update", to_iso_8601(fields.next_update)},
                             {"file", pem ? file.name() : ""}});
    if(!pem) {
        json["dry-run"] = true;
        session.report(json, "would issue a revocation list:\n" + text);
        return;
    }
    json["pem"] = *pem;
    json["out"] = file.name();
    if(!file.is_standard_output()) {
        file.write(*pem);
        session.report(json, text);
    } else {
        session.report(json, *pem);
    }
}

}  // namespace

Command crl_issue_command() {
    return {
        .noun = "crl",
        .verb = "issue",
        .summary = "issue a certificate revocation list",
        .flags =
            {required(issuer_flag()),
             required(issuer_key_flag()),
             required(
                 {.name = "number", .value = "N", .help = "its number: higher than that of the list before"}),
             {.name = "revoke",
              .takes = Takes::many,
              .value = "SERIAL[:REASON[:TIME]]",
              .help =
                  "a revoked certificate by its serial number in hexadecimal (default: now, unspecified)"},
             {.name = "revoke-certificate",
              .takes = Takes::many,
              .value = "FILE[:REASON[:TIME]]",
              .help = "a revoked certificate itself (default: now, unspecified)"},
             {.name = "days",
              .value = "N",
              .help = "when the next list will be there at the latest (default: 7)"},
             OutputFile::out_flag("where the list goes, in PEM; - is standard output"),
             OutputFile::force_flag(),
             {.name = "older",
              .takes = Takes::nothing,
              .help = "replace a list that has the same or a higher number, or is of a later time"},
             scheme_flag(),
             dry_run_flag()},
        .backend_phase = Phase::use,
        .details =
            "The list holds what is given, and nothing of earlier lists: give what was revoked before again, with "
            "its time. Reasons: keyCompromise, "
            "cACompromise, "
            "affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn, "
            "aACompromise.",
        .example = "keyway crl issue --issuer ca.pem --issuer-key ca.ref --number 8 \\\n"
                   "    --revoke-certificate www.pem:keyCompromise --out ca.crl",
        .uses_keys = true,
        .run = run};
}

}  // namespace keyway::cli
