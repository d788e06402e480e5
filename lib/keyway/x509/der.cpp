// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/der_internal.hpp>

#include <keyway/core/error.hpp>

#include <chrono>
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

Botan::ASN1_Time to_asn1(Time time, std::string_view what) {
    using namespace std::chrono;
    const std::string text = to_iso_8601(time);
    if(time < sys_days(year(1950) / January / 1) || time >= sys_days(year(10000) / January / 1)) {
        throw Error{Errc::invalid_argument,
                    std::string(what) + " " + in_quotes(text) + " lies outside the years 1950 to 9999",
                    "certificates and revocation lists know no other years"};
    }
    std::string digits = text;
    std::erase_if(digits, [](char c) { return c == '-' || c == ':' || c == 'T'; });
    const bool two_digit_year = time < sys_days(year(2050) / January / 1);
    try {
        return two_digit_year ? Botan::ASN1_Time(digits.substr(2), Botan::ASN1_Type::UtcTime)
                              : Botan::ASN1_Time(digits, Botan::ASN1_Type::GeneralizedTime);
    } catch(const Botan::Exception&) {
        std::throw_with_nested(
            Error{Errc::unsupported, std::string(what) + " " + in_quotes(text) + " is later than Botan can read",
                  "use 3100-12-31T23:59:59Z at the latest, or build with a Botan that knows later years"});
    }
}

Time from_asn1(const Botan::ASN1_Time& time) {
    using namespace std::chrono;
    // [YY]YYMMDDHHMMSSZ, checked by Botan when it was decoded
    std::string digits = time.to_string();
    constexpr std::size_t utc_time_size = 13;
    if(digits.size() == utc_time_size) {
        digits.insert(0, digits.front() < '5' ? "20" : "19");
    }
    const auto number = [&](std::size_t from, std::size_t count) { return std::stoi(digits.substr(from, count)); };
    const year_month_day date{year(number(0, 4)), month(static_cast<unsigned>(number(4, 2))),
                              day(static_cast<unsigned>(number(6, 2)))};
    return sys_days(date) + hours(number(8, 2)) + minutes(number(10, 2)) + seconds(number(12, 2));
}

}  // namespace keyway::x509
