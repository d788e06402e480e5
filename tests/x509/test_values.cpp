// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <keyway/x509/crl.hpp>
#include <keyway/x509/general_name.hpp>
#include <keyway/x509/profile.hpp>
#include <keyway/x509/serial.hpp>

#include <botan/hex.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <set>

using namespace keyway;
using namespace keyway::test;
using x509::GeneralName;
using x509::SerialNumber;

TEST_CASE("serial numbers are read from hexadecimal text") {
    struct Case {
        std::string text;
        std::string hex;
    };
    const Case c = GENERATE(values<Case>({
        {"1", "01"},
        {"0a1b", "0A1B"},
        {"A1B", "0A1B"},
        {"000000FF", "FF"},
        {"00:0a:1B", "0A1B"},
        {"0x20", "20"},
        {"0X0a:1b", "0A1B"},
        {"80", "80"},
        {"7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"},
        {"007FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"},
    }));
    CHECK(SerialNumber::from_hex(c.text).to_hex() == c.hex);
    CHECK(SerialNumber::from_hex(c.hex) == SerialNumber::from_hex(c.text));
    CHECK(SerialNumber::from_bytes(Botan::hex_decode(c.hex)) == SerialNumber::from_hex(c.text));
}

TEST_CASE("malformed serial numbers are refused") {
    const std::string text = GENERATE(
        as<std::string>{}, "", "0", "00", "00:00", ":", "1:2", "01:", ":01", "01::02", "0:1", "0x", "0x0", "0x0x1", "-1",
        "1 2", "g", "8000000000000000000000000000000000000000", "010000000000000000000000000000000000000000");
    INFO(text);
    CHECK(error_of([&] { return SerialNumber::from_hex(text); }) == Errc::invalid_argument);
    CHECK(message_of([&] { return SerialNumber::from_hex(text); }).starts_with("serial number \"" + text + "\" is "));
}

TEST_CASE("random serial numbers are different, positive and use 159 bits") {
    std::set<std::vector<std::uint8_t>> seen;
    std::size_t longest = 0;
    unsigned seen_bits = 0;
    for(int i = 0; i < 500; ++i) {
        const SerialNumber serial = SerialNumber::random(rng());
        seen.insert(serial.bytes());
        longest = std::max(longest, serial.bytes().size());
        if(serial.bytes().size() == 20) {
            seen_bits |= serial.bytes().front();
        }
    }
    CHECK(seen.size() == 500);
    CHECK(longest == 20);
    CHECK(seen_bits == 0x7FU);
}

TEST_CASE("serial numbers are ordered as numbers") {
    const std::vector<SerialNumber> sorted{SerialNumber::from_hex("02"), SerialNumber::from_hex("FF"),
                                           SerialNumber::from_hex("0100"),
                                           SerialNumber::from_hex("7F000000")};
    std::vector<SerialNumber> mixed{sorted[2], sorted[0], sorted[3], sorted[1]};
    std::sort(mixed.begin(), mixed.end());
    CHECK(mixed == sorted);
}

TEST_CASE("general names are checked and written back") {
    struct Case {
        std::string text;
        std::string value_hex;
        std::string written;
    };
    const Case c = GENERATE(values<Case>({
        {"dns:example.invalid", "6578616D706C652E696E76616C6964", "dns:example.invalid"},
        {"DNS:*.example.invalid", "2A2E6578616D706C652E696E76616C6964", "dns:*.example.invalid"},
        {"dns:localhost", "6C6F63616C686F7374", "dns:localhost"},
        {"dns:xn--bcher-kva.invalid", "786E2D2D62636865722D6B76612E696E76616C6964",
         "dns:xn--bcher-kva.invalid"},
        {"ip:192.0.2.1", "C0000201", "ip:192.0.2.1"},
        {"IP:2001:db8::1", "20010DB8000000000000000000000001", "ip:2001:db8::1"},
        {"ip:2001:0db8:0:0:0:0:0:1", "20010DB8000000000000000000000001", "ip:2001:db8::1"},
        {"email:a.b@example.invalid", "612E62406578616D706C652E696E76616C6964", "email:a.b@example.invalid"},
        {"uri:http://h.invalid/p?q=1", "687474703A2F2F682E696E76616C69642F703F713D31",
         "uri:http://h.invalid/p?q=1"},
        {"URI:urn:uuid:1", "75726E3A757569643A31", "uri:urn:uuid:1"},
    }));
    const GeneralName name = GeneralName::parse(c.text);
    CHECK(Botan::hex_encode(bytes_of(name.value())) == c.value_hex);
    CHECK(name.to_string() == c.written);
    CHECK(GeneralName::parse(name.to_string()) == name);
    CHECK(x509::decode_general_names(x509::encode_general_names({name, name})) ==
          x509::GeneralNames{name, name});
}

TEST_CASE("malformed general names are refused") {
    const std::string text =
        GENERATE(as<std::string>{}, "", "dns:", "dns:.", "dns:a.", "dns:.a", "dns:a..b", "dns:-a", "dns:a-",
                 "dns:a_b", "dns:a b", "dns:bücher.invalid", "dns:*", "dns:a.*.b", "dns:*a.b", "dns:*.com", "dns:*.localhost", "dns:*.*.com",
                 "dns:192.0.2.1", "dns:1", "dns:a.invalid:443", "dns:http://a", "ip:", "ip:192.0.2",
                 "ip:192.0.2.256", "ip:192.0.2.1/24", "ip:2001:db8::1/64", "ip:fe80::1%eth0", "ip:host",
                 "email:", "email:a", "email:@b", "email:a@", "email:a@b@c", "email:a b@c",
                 "email:å@c.invalid", "uri:", "uri:host", "uri:/path", "uri:http:", "uri:1http://x",
                 "uri:http://a b", "uri:http://å", "uri:http://a/<b>", "x400:a", "example.invalid");
    INFO(text);
    CHECK(error_of([&] { return GeneralName::parse(text); }) == Errc::invalid_argument);
}

TEST_CASE("a dns name takes at most 63 characters in a label and 253 in all") {
    const std::string label(63, 'a');
    const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
    CHECK(GeneralName::dns(longest).value().size() == 253);
    CHECK(error_of([&] { return GeneralName::dns(longest + "a"); }) == Errc::invalid_argument);
    CHECK(error_of([&] { return GeneralName::dns(label + "a.invalid"); }) == Errc::invalid_argument);
}

TEST_CASE("encoded lists of names are read strictly") {
    const auto read = [](std::string_view hex) {
        return error_of([&] { return x509::decode_general_names(Botan::hex_decode(hex)); });
    };
    CHECK(read("3003820161") == std::nullopt);
    CHECK(read("30038201") == Errc::malformed_data);
    CHECK(read("300382016100") == Errc::malformed_data);
    CHECK(read("300482026120") == Errc::malformed_data);    // a dns name with a space
    CHECK(read("3005870301020A") == Errc::malformed_data);  // an address of three octets
    CHECK(read("3004A4023000") == Errc::unsupported);       // a directory name
    CHECK(read("300388012A") == Errc::unsupported);         // a registered identifier
    CHECK(read("") == Errc::malformed_data);
}

TEST_CASE("profiles are found by name and kind") {
    std::vector<std::string_view> names;
    for(const x509::Profile& profile : x509::all_profiles()) {
        names.push_back(profile.name);
        CHECK(&x509::profile_of(profile.kind) == &profile);
        CHECK(&x509::find_profile(profile.name) == &profile);
    }
    CHECK(names ==
          std::vector<std::string_view>{"root", "intermediate", "server", "client", "ocsp"});
    CHECK(x509::find_profile("ocsp-responder").name == "ocsp");
    CHECK(message_of([] { return x509::find_profile("webserver").name; }) ==
          R"(unknown profile "webserver")");
}

TEST_CASE("revocation reasons have the names of RFC 5280") {
    for(const auto& name :
        {"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded",
         "cessationOfOperation", "certificateHold", "removeFromCRL", "privilegeWithdrawn", "aACompromise"}) {
        CHECK(x509::to_string(x509::parse_revocation_reason(name)) == name);
    }
    CHECK(x509::parse_revocation_reason("keycompromise") == Botan::CRL_Code::KeyCompromise);
    CHECK(x509::parse_revocation_reason("CACOMPROMISE") == Botan::CRL_Code::CaCompromise);
    CHECK(message_of([] { return x509::parse_revocation_reason("lost"); }) == R"(unknown revocation reason "lost")");
    const std::string hint = hint_of([] { return x509::parse_revocation_reason("lost"); });
    CHECK(hint ==
          "use one of unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, "
          "certificateHold, privilegeWithdrawn, aACompromise");
}
