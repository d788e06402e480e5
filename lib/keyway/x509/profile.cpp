// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/x509/profile.hpp>

#include <botan/pkix_enums.h>

#include <array>
#include <string>

namespace keyway::x509 {

namespace {

using Usage = Botan::Key_Constraints;

constexpr std::array profiles{
    Profile{
        .kind = CertificateKind::root,
        .name = "root",
        .authority = Presence::required,
        .key_usage = Usage::KeyCertSign | Usage::CrlSign,
        .key_usage_of_rsa = 0,
        .purpose = "",
        .subject = Presence::required,
        .alternative_names = Presence::allowed,
        .path_length = Presence::allowed,
        .name_constraints = Presence::allowed,
        .authority_key_identifier = Presence::absent,
        .ca_issuers_url = Presence::absent,
        .revocation_urls = Presence::absent,
        .ocsp_no_check = Presence::absent,
    },
    Profile{
        .kind = CertificateKind::intermediate,
        .name = "intermediate",
        .authority = Presence::required,
        .key_usage = Usage::KeyCertSign | Usage::CrlSign,
        .key_usage_of_rsa = 0,
        .purpose = "",
        .subject = Presence::required,
        .alternative_names = Presence::allowed,
        .path_length = Presence::allowed,
        .name_constraints = Presence::allowed,
        .authority_key_identifier = Presence::required,
        .ca_issuers_url = Presence::allowed,
        .revocation_urls = Presence::allowed,
        .ocsp_no_check = Presence::absent,
    },
    Profile{
        .kind = CertificateKind::server,
        .name = "server",
        .authority = Presence::absent,
        .key_usage = Usage::DigitalSignature,
        .key_usage_of_rsa = Usage::KeyEncipherment,
        .purpose = "1.3.6.1.5.5.7.3.1",  // id-kp-serverAuth
        .subject = Presence::allowed,
        .alternative_names = Presence::required,
        .path_length = Presence::absent,
        .name_constraints = Presence::absent,
        .authority_key_identifier = Presence::required,
        .ca_issuers_url = Presence::allowed,
        .revocation_urls = Presence::allowed,
        .ocsp_no_check = Presence::absent,
    },
    Profile{
        .kind = CertificateKind::client,
        .name = "client",
        .authority = Presence::absent,
        .key_usage = Usage::DigitalSignature,
        .key_usage_of_rsa = 0,
        .purpose = "1.3.6.1.5.5.7.3.2",  // id-kp-clientAuth
        .subject = Presence::allowed,
        .alternative_names = Presence::allowed,
        .path_length = Presence::absent,
        .name_constraints = Presence::absent,
        .authority_key_identifier = Presence::required,
        .ca_issuers_url = Presence::allowed,
        .revocation_urls = Presence::allowed,
        .ocsp_no_check = Presence::absent,
    },
    Profile{
        .kind = CertificateKind::ocsp_responder,
        .name = "ocsp",
        .authority = Presence::absent,
        .key_usage = Usage::DigitalSignature,
        .key_usage_of_rsa = 0,
        .purpose = "1.3.6.1.5.5.7.3.9",  // id-kp-OCSPSigning
        .subject = Presence::required,
        .alternative_names = Presence::allowed,
        .path_length = Presence::absent,
        .name_constraints = Presence::absent,
        .authority_key_identifier = Presence::required,
        .ca_issuers_url = Presence::allowed,
        .revocation_urls = Presence::absent,
        .ocsp_no_check = Presence::required,
    },
};

}  // namespace

std::span<const Profile> all_profiles() noexcept {
    return profiles;
}

const Profile& profile_of(CertificateKind kind) noexcept {
    return profiles[static_cast<std::size_t>(kind)];
}

const Profile& find_profile(std::string_view name) {
    std::string known;
    for(const Profile& profile : profiles) {
        if(profile.name == name || (profile.kind == CertificateKind::ocsp_responder && name == "ocsp-responder")) {
            return profile;
        }
        known += known.empty() ? "" : ", ";
        known += profile.name;
    }
    throw Error{Errc::invalid_argument, "unknown profile " + in_quotes(name), "use one of " + known};
}

}  // namespace keyway::x509
