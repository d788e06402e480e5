// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/key/key_ref.hpp>
#include <keyway/options/option_values.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace keyway {

/// What becomes of the other certificates that are beside a key already.
enum class OtherCertificates {
    stay,  ///< a key may have several: of a renewal, of a cross-certification
    go     ///< they are removed, once the new one is there
};

/// A certificate that is beside a key.
struct KeptCertificate {
    std::vector<std::uint8_t> certificate;  ///< DER
    bool goes_with_key = false;             ///< removing the key removes it as well
};

/// A backend that can keep certificates beside its keys; found by dynamic_cast.
class KEYWAY_API CertificateKeeper {
public:
    virtual ~CertificateKeeper();

    /// Puts an X.509 certificate beside the key that it is for, where other programs find it as the key's. Removing the key removes
    /// it as well.
    /// @param certificate DER
    /// @param others with OtherCertificates::go, a certificate that is there already is no error
    /// @param options of phase use
    /// @throws Errc::key_mismatch with both fingerprints when it is for another key; Errc::already_exists when it is there;
    ///         Errc::malformed_data; Errc::unsupported when the key has nothing by which a certificate could be told to be its, or the
    ///         certificate is for a kind of key that is not known; as KeyBackend::use
    /// @threadsafety as the backend
    virtual void keep_certificate(const KeyRef& ref,
                                  std::span<const std::uint8_t> certificate,
                                  OtherCertificates others,
                                  const OptionValues& options) = 0;

    /// The certificates that are beside the key now: those that OtherCertificates::go would remove.
    /// @param options of phase use
    /// @throws as KeyBackend::use
    /// @threadsafety as the backend
    [[nodiscard]] virtual std::vector<KeptCertificate> kept_certificates(const KeyRef& ref, const OptionValues& options) const = 0;
};

}  // namespace keyway
