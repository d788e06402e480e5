// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/der_internal.hpp>
#include <keyway/x509/validity.hpp>

#include <botan/x509cert.h>

namespace keyway::x509 {

Validity validity_of(const Botan::X509_Certificate& certificate) {
    return {from_asn1(certificate.not_before()), from_asn1(certificate.not_after())};
}

}  // namespace keyway::x509
