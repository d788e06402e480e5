// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/x509/pem_internal.hpp>

#include <keyway/core/error.hpp>
#include <keyway/x509/pem.hpp>

#include <botan/ber_dec.h>
#include <botan/pem.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

namespace keyway::x509 {

namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::array<std::string_view, 2> certificate_labels{"CERTIFICATE", "X509 CERTIFICATE"};
constexpr std::array<std::string_view, 2> crl_labels{"X509 CRL", "CRL"};

Error malformed(std::string_view what, const std::string& why) {
    return {Errc::malformed_data, "this is not " + std::string(what) + ": " + why,
            "give " + std::string(what) + " in PEM or DER"};
}

/// A DER object of more than 127 octets begins so; a PEM text does not.
bool looks_like_der(std::span<const std::uint8_t> bytes) {
    return bytes.size() >= 2 && bytes[0] == 0x30 && bytes[1] >= 0x80;
}

std::vector<std::vector<std::uint8_t>> blocks_of(std::string_view text,
                                                 std::span<const std::string_view> labels,
                                                 std::string_view what) {
    std::vector<std::vector<std::uint8_t>> blocks;
    for(std::size_t begin = text.find(begin_mark); begin != std::string_view::npos;) {
        const std::size_t next = text.find(begin_mark, begin + 1);
        std::string label;
        try {
            const auto der = Botan::PEM_Code::decode(text.substr(begin, next - begin), label);
            blocks.emplace_back(der.begin(), der.end());
        } catch(const Botan::Exception&) {
            std::throw_with_nested(malformed(what, "its PEM encoding is damaged or truncated"));
        }
        if(std::find(labels.begin(), labels.end(), label) == labels.end()) {
            throw malformed(what, "its PEM label is " + in_quotes(label));
        }
        begin = next;
    }
    return blocks;
}

/// When a certificate ends that names a time which Botan 3.12 does not read; nothing for any other.
std::optional<std::string> end_beyond_botan(const std::vector<std::uint8_t>& der) {
    constexpr std::string_view last_read = "31001231235959Z";
    try {
        Botan::BER_Decoder in(der, Botan::BER_Decoder::Limits::DER());
        Botan::BER_Decoder certificate = in.start_sequence();
        Botan::BER_Decoder body = certificate.start_sequence();
        const Botan::BER_Object version_or_serial = body.get_next_object();
        if(!version_or_serial.is_a(Botan::ASN1_Type::Integer, Botan::ASN1_Class::Universal)) {
            static_cast<void>(body.get_next_object());  // the serial number
        }
        static_cast<void>(body.get_next_object());  // the algorithm
        static_cast<void>(body.get_next_object());  // the issuer
        Botan::BER_Decoder validity = body.start_sequence();
        static_cast<void>(validity.get_next_object());  // the start
        const Botan::BER_Object end = validity.get_next_object();
        const std::string text(end.data().begin(), end.data().end());
        const bool beyond = end.is_a(Botan::ASN1_Type::GeneralizedTime, Botan::ASN1_Class::Universal) &&
                            text.size() == last_read.size() && text > last_read;
        return beyond ? std::optional(text) : std::nullopt;
    } catch(const Botan::Exception&) {
        return std::nullopt;
    }
}

template <typename Object>
Object decode(const std::vector<std::uint8_t>& der, std::string_view what) {
    try {
        Botan::BER_Decoder in(der, Botan::BER_Decoder::Limits::DER());
        static_cast<void>(in.get_next_object());
        in.verify_end();
        return Object(der);
    } catch(const Botan::Exception&) {
        std::throw_with_nested(
            malformed(what, "its encoding is damaged, truncated, or followed by something else"));
    }
}

Botan::X509_Certificate decode_certificate(const std::vector<std::uint8_t>& der, std::string_view what) {
    try {
        return decode<Botan::X509_Certificate>(der, what);
    } catch(const Error&) {
        const auto end = end_beyond_botan(der);
        if(!end) {
            throw;
        }
        std::throw_with_nested(
            Error{Errc::unsupported, "a certificate that is valid until " + in_quotes(*end) + " cannot be read",
                  "it is not damaged, but this Botan reads none that is valid after the year 3100"});
    }
}

}  // namespace

std::vector<std::vector<std::uint8_t>> read_all(std::span<const std::uint8_t> pem_or_der,
                                                std::span<const std::string_view> labels,
                                                std::string_view what) {
    if(looks_like_der(pem_or_der)) {
        return {std::vector<std::uint8_t>(pem_or_der.begin(), pem_or_der.end())};
    }
    const std::string text(pem_or_der.begin(), pem_or_der.end());
    std::vector<std::vector<std::uint8_t>> blocks = blocks_of(text, labels, what);
    if(blocks.empty()) {
        throw malformed(what, pem_or_der.empty() ? "it is empty" : "it is neither PEM nor DER");
    }
    return blocks;
}

std::vector<std::uint8_t> read_one(std::span<const std::uint8_t> pem_or_der,
                                   std::span<const std::string_view> labels, std::string_view what) {
    std::vector<std::vector<std::uint8_t>> blocks = read_all(pem_or_der, labels, what);
    if(blocks.size() != 1) {
        throw malformed(what, "there are " + std::to_string(blocks.size()) + " of them");
    }
    return std::move(blocks.front());
}

Botan::X509_Certificate read_certificate(std::span<const std::uint8_t> pem_or_der) {
    constexpr std::string_view what = "one certificate";
    return decode_certificate(read_one(pem_or_der, certificate_labels, what), what);
}

std::vector<Botan::X509_Certificate> read_certificates(std::span<const std::uint8_t> pem_or_der) {
    constexpr std::string_view what = "a certificate";
    std::vector<Botan::X509_Certificate> certificates;
    for(const auto& der : read_all(pem_or_der, certificate_labels, what)) {
        certificates.push_back(decode_certificate(der, what));
    }
    return certificates;
}

Botan::X509_CRL read_crl(std::span<const std::uint8_t> pem_or_der) {
    constexpr std::string_view what = "one certificate revocation list";
    return decode<Botan::X509_CRL>(read_one(pem_or_der, crl_labels, what), what);
}

}  // namespace keyway::x509
