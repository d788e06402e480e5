// SPDX-License-Identifier: BSD-2-Clause
#include "commands.hpp"
#include "common_flags.hpp"
#include "issuing.hpp"

#include <keyway/core/error.hpp>
#include <keyway/x509/issuer.hpp>

#include <botan/system_rng.h>

namespace keyway::cli {

namespace {

constexpr std::chrono::days years_of_root(3653);
constexpr std::chrono::days years_of_intermediate(1826);

x509::CertificateFields fields_of(const Session& session, const Arguments& arguments,
                                  const std::optional<Botan::X509_Certificate>& issuer) {
    const auto usual = issuer ? years_of_intermediate : years_of_root;
    x509::CertificateFields fields{.subject = x509::DistinguishedName::parse(arguments.required("subject")),
                                   .serial = x509::SerialNumber::random(Botan::system_rng()),
                                   .validity = validity(session, arguments, usual, issuer)};
    fields.urls = urls(arguments);
    fields.path_length = arguments.number("path-length", 0, 255);
    return fields;
}

void create_root(Session& session, const Arguments& arguments, const OutputFile& file) {
    const auto fields = fields_of(session, arguments, std::nullopt);
    const auto wish = signature_wish(arguments);
    const auto named = session.named_key(arguments.required("key"));
    session.work_with({named.backend});
    require_own_place(named);
    constexpr auto kind = x509::CertificateKind::root;
    const auto certificate = sign_certificate(session, named, fields, [&](const Botan::Private_Key& key) -> MaybeCertificate {
        if(arguments.has("dry-run")) {
            x509::check_root(key, fields, wish);
            report_dry_run(session, kind, fields, choose_scheme(key, wish));
            return std::nullopt;
        }
        return x509::issue_root(key, fields, Botan::system_rng(), wish);
    });
    if(certificate) {
        hand_out(session, kind, fields, *certificate, file);
    }
}

void create_intermediate(Session& session, const Arguments& arguments, const OutputFile& file) {
    const auto issuer_certificate = certificate_of(arguments, "issuer");
    const auto fields = fields_of(session, arguments, issuer_certificate);
    const auto wish = signature_wish(arguments);
    const auto named = session.named_key(arguments.required("key"));
    const auto named_issuer = session.named_key(arguments.required("issuer-key"));
    session.work_with({named.backend, named_issuer.backend});
    require_own_place(named);
    require_own_place(named_issuer);
    const auto opened = session.open(named);
    constexpr auto kind = x509::CertificateKind::intermediate;
    // What is wrong is told before the issuer's key is opened.
    x509::check_certificate(issuer_certificate, kind, *opened.key, fields, wish);
    const auto certificate = sign_certificate(session, named_issuer, fields, [&](const Botan::Private_Key& key) -> MaybeCertificate {
        x509::Issuer issuer(issuer_certificate, key, Botan::system_rng(), wish);
        if(arguments.has("dry-run")) {
            report_dry_run(session, kind, fields, issuer.scheme());
            return std::nullopt;
        }
        return x509::issue_certificate(issuer, kind, *opened.key->public_key(), fields, Botan::system_rng());
    });
    if(certificate) {
        hand_out(session, kind, fields, *certificate, file);
    }
}

void run(Session& session, const Arguments& arguments) {
    if(arguments.has("issuer") != arguments.has("issuer-key")) {
        throw Error(Errc::usage, "--issuer and --issuer-key belong together",
                    "give both for an intermediate, none for a root");
    }
    const OutputFile file(session, arguments);
    arguments.has("issuer") ? create_intermediate(session, arguments, file)
                            : create_root(session, arguments, file);
}

std::vector<Flag> flags() {
    std::vector<Flag> all{
        required({.name = "key", .value = "REF", .help = "the key of the new authority"}),
        required({.name = "subject", .value = "NAME", .help = "its name: CN=Example Root,O=Example,C=NO"}),
        issuer_flag(),
        issuer_key_flag(),
        OutputFile::out_flag("where the certificate goes, in PEM; - is standard output"),
        OutputFile::force_flag(),
        {.name = "path-length", .value = "N", .help = "how many further authorities may follow below it"},
    };
    const auto add = [&](const std::vector<Flag>& more) { all.insert(all.end(), more.begin(), more.end()); };
    add(validity_flags("3653, for an intermediate 1826 or to the end of its issuer"));
    add(url_flags());
    add({scheme_flag(), dry_run_flag()});
    return all;
}

}  // namespace

Command ca_create_command() {
    return {.noun = "ca",
            .verb = "create",
            .summary = "make the certificate of a root, or with --issuer of an intermediate",
            .flags = flags(),
            .backend_phase = Phase::use,
            .details = "Backend options apply to the backend that has them; with two that have the same one, "
                       "put the alias "
                       "in front: --hsm-user-pin.",
            .example = "keyway ca create --key root.ref --subject 'CN=Example Root' --out root.pem\n"
                       "keyway ca create --key ca.ref --subject 'CN=Example CA 1' --path-length 0 \\\n"
                       "    --issuer root.pem --issuer-key root.ref --out ca.pem",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
