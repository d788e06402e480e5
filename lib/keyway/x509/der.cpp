// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/der_internal.hpp>

#include <keyway/core/error.hpp>

#include <string>

namespace keyway::x509 {

void put_unsigned(Botan::DER_Encoder& out, std::span<const std::uint8_t> magnitude) {
    std::vector<std::uint8_t> content(magnitude.begin(), magnitude.end());
    if(content.empty() || content.front() >= 0x80) {
        content.insert(content.begin(), 0);
    }
    out.add_object(Botan::ASN1_Type::Integer, Botan::ASN1_Class::Universal, content);
}

void put_unsigned(Botan::DER_Encoder& out, std::uint64_t value) {
    std::vector<std::uint8_t> magnitude;
    for(; value != 0; value >>= 8U) {
        magnitude.insert(magnitude.begin(), static_cast<std::uint8_t>(value & 0xFFU));
    }
    put_unsigned(out, magnitude);
}

Botan::ASN1_Time x509_time(std::chrono::system_clock::time_point time, std::string_view what) {
    using namespace std::chrono;
    if(time < sys_days(year(1950) / January / 1)) {
        throw Error{Errc::invalid_argument, std::string(what) + " lies before the year 1950"};
    }
    return Botan::ASN1_Time(system_clock::time_point(floor<seconds>(time)));
}

}  // namespace keyway::x509
