// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/clock.hpp>

#include <botan/asn1_time.h>
#include <botan/der_enc.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace keyway::x509 {

/// The bytes that `write(encoder)` encodes.
template <typename Write>
std::vector<std::uint8_t> der_of(Write&& write) {
    std::vector<std::uint8_t> out;
    Botan::DER_Encoder encoder(out);
    std::forward<Write>(write)(encoder);
    return out;
}

/// Writes [tag] IMPLICIT with these bytes as its value.
inline void put_tagged(Botan::DER_Encoder& out, std::uint32_t tag, std::span<const std::uint8_t> value) {
    out.add_object(static_cast<Botan::ASN1_Type>(tag), Botan::ASN1_Class::ContextSpecific, value.data(),
                   value.size());
}

inline void put_tagged(Botan::DER_Encoder& out, std::uint32_t tag, std::string_view value) {
    out.add_object(static_cast<Botan::ASN1_Type>(tag), Botan::ASN1_Class::ContextSpecific, value);
}

/// Writes a non-negative INTEGER of any size. `magnitude`: big-endian, without leading zero octets.
void put_unsigned(Botan::DER_Encoder& out, std::span<const std::uint8_t> magnitude);
void put_unsigned(Botan::DER_Encoder& out, std::uint64_t value);

/// UTCTime through 2049 and GeneralizedTime from 2050. `what` names the time in errors.
/// @throws Errc::invalid_argument when it lies outside the years 1950 to 9999
/// @throws Errc::unsupported when it is later than Botan can read back
/// @spec RFC 5280 4.1.2.5
[[nodiscard]] Botan::ASN1_Time to_asn1(Time time, std::string_view what);

/// The time that a certificate or list names. Botan's own conversion goes wrong after the year 2262.
[[nodiscard]] Time from_asn1(const Botan::ASN1_Time& time);

}  // namespace keyway::x509
