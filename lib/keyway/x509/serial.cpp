// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/x509/serial.hpp>

#include <botan/hex.h>
#include <botan/rng.h>
#include <botan/x509cert.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace keyway::x509 {

namespace {

constexpr std::size_t max_octets = 20;
constexpr std::string_view hex_digits = "0123456789abcdefABCDEF";

std::vector<std::uint8_t> without_leading_zeros(std::span<const std::uint8_t> number) {
    const auto first =
        std::find_if(number.begin(), number.end(), [](std::uint8_t octet) { return octet != 0; });
    return {first, number.end()};
}

/// Why a number cannot be a serial number; empty where it can.
std::string_view fault(const std::vector<std::uint8_t>& number) {
    if(number.empty()) {
        return "is zero";
    }
    if(number.size() > max_octets || (number.size() == max_octets && number.front() >= 0x80)) {
        return "is longer than 20 octets";
    }
    return {};
}

Error bad_serial(std::string_view text, std::string_view why) {
    return {Errc::invalid_argument, "serial number " + in_quotes(text) + " " + std::string(why),
            "write it in hexadecimal digits, for instance 0A1B2C or 0A:1B:2C"};
}

/// The digits without the colons between pairs; empty where a colon stands elsewhere.
std::optional<std::string> without_colons(std::string_view text) {
    if(text.find(':') == std::string_view::npos) {
        return std::string(text);
    }
    std::string digits;
    for(std::size_t i = 0; i < text.size(); ++i) {
        const bool place_of_colon = i % 3 == 2;
        if((text[i] == ':') != place_of_colon) {
            return std::nullopt;
        }
        if(!place_of_colon) {
            digits += text[i];
        }
    }
    return text.size() % 3 == 2 ? std::optional(digits) : std::nullopt;
}

}  // namespace

SerialNumber::SerialNumber(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}

SerialNumber SerialNumber::random(Botan::RandomNumberGenerator& rng) {
    std::vector<std::uint8_t> number(max_octets);
    rng.randomize(number);
    number.front() &= 0x7FU;
    return from_bytes(number);
}

SerialNumber SerialNumber::from_hex(std::string_view text) {
    const bool marked = text.starts_with("0x") || text.starts_with("0X");
    std::optional<std::string> digits = without_colons(text.substr(marked ? 2 : 0));
    if(!digits || digits->empty() || digits->find_first_not_of(hex_digits) != std::string::npos) {
        throw bad_serial(text, "is not a hexadecimal number");
    }
    if(digits->size() % 2 != 0) {
        digits->insert(digits->begin(), '0');
    }
    std::vector<std::uint8_t> number = without_leading_zeros(Botan::hex_decode(*digits));
    if(const std::string_view why = fault(number); !why.empty()) {
        throw bad_serial(text, why);
    }
    return SerialNumber(std::move(number));
}

SerialNumber SerialNumber::from_bytes(std::span<const std::uint8_t> big_endian) {
    std::vector<std::uint8_t> number = without_leading_zeros(big_endian);
    if(const std::string_view why = fault(number); !why.empty()) {
        throw bad_serial(Botan::hex_encode(big_endian), why);
    }
    return SerialNumber(std::move(number));
}

SerialNumber SerialNumber::of(const Botan::X509_Certificate& certificate) {
    const std::vector<std::uint8_t> number = without_leading_zeros(certificate.serial_number());
    const std::string_view why = certificate.is_serial_negative() ? "is negative" : fault(number);
    if(!why.empty()) {
        throw Error{Errc::unsupported, "serial number " + in_quotes(Botan::hex_encode(number)) +
                                           " of the certificate " + std::string(why)};
    }
    return SerialNumber(number);
}

std::string SerialNumber::to_hex() const {
    return Botan::hex_encode(bytes_);
}

std::strong_ordering SerialNumber::operator<=>(const SerialNumber& other) const noexcept {
    if(bytes_.size() != other.bytes_.size()) {
        return bytes_.size() <=> other.bytes_.size();
    }
    return bytes_ <=> other.bytes_;
}

}  // namespace keyway::x509
