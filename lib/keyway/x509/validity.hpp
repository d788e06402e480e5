// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/clock.hpp>

namespace Botan {
class X509_Certificate;
}

namespace keyway::x509 {

/// From when to when a certificate holds, both ends included.
///
/// The years are 1950 to 9999; 9999-12-31T23:59:59Z stands for "no well-defined expiration date". Botan up to 3.12 reads
/// no certificate that ends after 3100, so that later times are refused with it.
/// @spec RFC 5280 4.1.2.5
struct Validity {
    Time not_before;
    Time not_after;

    bool operator==(const Validity&) const = default;
};

/// The validity of any certificate, also where the system clock's own time points do not reach.
[[nodiscard]] KEYWAY_API Validity validity_of(const Botan::X509_Certificate& certificate);

}  // namespace keyway::x509
