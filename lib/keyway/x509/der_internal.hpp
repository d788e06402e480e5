// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <botan/asn1_time.h>
#include <botan/der_enc.h>

#include <chrono>
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

/// A time in whole seconds, UTCTime through 2049 and GeneralizedTime from 2050. `what` names it in errors.
/// @throws Errc::invalid_argument when it is before 1950
/// @spec RFC 5280 4.1.2.5
[[nodiscard]] Botan::ASN1_Time x509_time(std::chrono::system_clock::time_point time, std::string_view what);

}  // namespace keyway::x509
