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

#include <botan/hex.h>
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

/// The list of this issuer that is replaced; nothing where the file is none, or something else.
std::optional<Botan::X509_CRL> list_before(const OutputFile& file, const Botan::X509_Certificate& issuer) {
    std::error_code ignored;
    if(file.is_standard_output() || !std::filesystem::exists(file.name(), ignored)) {
        return std::nullopt;
    }
    try {
        Botan::X509_CRL old(file.name());
        return old.issuer_dn() == issuer.subject_dn() ? std::optional(std::move(old)) : std::nullopt;
    } catch(const Botan::Exception&) {
        return std::nullopt;  // --force replaces whatever is there
    }
}

/// Readers keep the list with the higher number: one with a lower number, or of an earlier time, would undo nothing but trust.
/// @throws Errc::invalid_argument when the list that is replaced is a newer one
void require_newer(const OutputFile& file, const Botan::X509_CRL& old, const x509::CrlFields& fields) {
    const auto refuse = [&](const std::string& what, const std::string& hint) {
        return Error(Errc::invalid_argument, "the list in " + in_quotes(file.name()) + " " + what, hint);
    };
    if(old.crl_number() >= fields.number) {
        const bool same = old.crl_number() == fields.number;
        const auto next = "give a higher one: --number " + std::to_string(old.crl_number() + 1);
        throw refuse("has the " + std::string(same ? "same" : "higher") + " number " + std::to_string(old.crl_number()),
                     same ? next + ", as whoever has that list may not look at another of its number; to replace it all the same, say --older"
                          : next + "; if it is to be replaced by an older one all the same, say --older");
    }
    if(old.this_update().time_since_epoch() > static_cast<std::uint64_t>(fields.this_update.time_since_epoch().count())) {
        throw refuse("is of a later time, " + old.this_update().readable_string(),
                     "if it is to be replaced by an older one all the same, say --older");
    }
}

/// The serial numbers that the list before had, and this one has not.
std::vector<std::string> dropped(const Botan::X509_CRL& old, const x509::CrlFields& fields) {
    std::vector<std::string> out;
    for(const auto& entry : old.get_revoked()) {
        auto serial = x509::SerialNumber::from_hex(Botan::hex_encode(entry.serial_number())).to_hex();
        const auto is_it = [&](const x509::RevokedCertificate& revoked) { return revoked.serial.to_hex() == serial; };
        if(std::ranges::none_of(fields.revoked, is_it)) {
            out.push_back(std::move(serial));
        }
    }
    return out;
}

void warn_of_dropped(const Session& session, const OutputFile& file, const std::vector<std::string>& serials) {
    if(serials.empty()) {
        return;
    }
    constexpr std::size_t most_named = 10;
    std::string list;
    for(std::size_t i = 0; i < std::min(serials.size(), most_named); ++i) {
        list += (i == 0 ? "" : ", ") + serials[i];
    }
    if(serials.size() > most_named) {
        list += " and " + std::to_string(serials.size() - most_named) + " more";
    }
    session.warn("what the list in " + in_quotes(file.name()) + " has as revoked and the new one has not, holds again: " + list +
                 "; unless it has expired, or was on hold, give it again with --revoke and its time");
}

void run(Session& session, const Arguments& arguments) {
    const OutputFile file(session, arguments);
    const auto certificate = certificate_of(arguments, "issuer");
    const auto fields = fields_of(session, arguments, certificate);
    const auto wish = signature_wish(arguments);
    // What is wrong is told before the issuer's key is opened.
    const auto before = list_before(file, certificate);
    if(before && !arguments.has("older")) {
        require_newer(file, *before, fields);
    }
    const auto no_longer_revoked = before ? dropped(*before, fields) : std::vector<std::string>();
    x509::check_crl(certificate, fields, wish);
    const auto named = session.named_key(arguments.required("issuer-key"));
    require_own_place(named);
    session.work_with({named.backend});
    warn_of_dropped(session, file, no_longer_revoked);
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
              {"no-longer-revoked", no_longer_revoked},
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
            "its time; what is left out of the list that --out replaces is warned of. Reasons: keyCompromise, "
            "cACompromise, "
            "affiliationChanged, superseded, cessationOfOperation, certificateHold, privilegeWithdrawn, "
            "aACompromise.",
        .example = "keyway crl issue --issuer ca.pem --issuer-key ca.ref --number 8 \\\n"
                   "    --revoke-certificate www.pem:keyCompromise --out ca.crl",
        .uses_keys = true,
        .run = run};
}

}  // namespace keyway::cli
