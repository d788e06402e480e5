// SPDX-License-Identifier: BSD-2-Clause
// The examples of RFC 7512 section 3, and what is none.
#include <keyway/pkcs11/uri.hpp>
#include <support/raises.hpp>

using namespace keyway;
using keyway::pkcs11::Uri;

namespace {

using Bytes = std::vector<std::uint8_t>;

}  // namespace

TEST_CASE("RFC 7512: an empty URI fits everything") {
    CHECK(Uri::parse("pkcs11:") == Uri{});
}

TEST_CASE("RFC 7512: a public key by object and type, with a PIN source") {
    const auto uri = Uri::parse("pkcs11:object=my-pubkey;type=public");
    CHECK(uri.object == "my-pubkey");
    CHECK(uri.type == "public");
    const auto with_pin = Uri::parse("pkcs11:object=my-key;type=private?pin-source=file:/etc/token");
    CHECK(with_pin.pin_source == SecretSource::parse("file:/etc/token"));
}

TEST_CASE("RFC 7512: a certificate by token, manufacturer, serial and id") {
    const auto uri = Uri::parse("pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;"
                                "model=1.0;object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial="
                                "?pin-source=file:/etc/token_pin");
    CHECK(uri.token == "The Software PKCS#11 Softtoken");
    CHECK(uri.manufacturer == "Snake Oil, Inc.");
    CHECK(uri.model == "1.0");
    CHECK(uri.object == "my-certificate");
    CHECK(uri.type == "cert");
    CHECK(uri.id == Bytes{0x69, 0x95, 0x3e, 0x5c, 0xf4, 0xbd, 0xec, 0x91});
    CHECK(uri.pin_source == SecretSource::parse("file:/etc/token_pin"));
}

TEST_CASE("RFC 7512: a private key with the module's name or path") {
    const auto by_path = Uri::parse("pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1");
    CHECK(by_path.module_path == "/mnt/libmypkcs11.so.1");
    const auto by_name = Uri::parse("pkcs11:object=my-sign-key;type=private?module-name=mypkcs11");
    CHECK(by_name.module_name == "mypkcs11");
}

TEST_CASE("RFC 7512: text in other languages and the library") {
    const auto uri = Uri::parse("pkcs11:token=my%20token%25%20created%20by%20Joe;library-version=3;id=%01%02%03%Ba%dd%Ca%fe%04%05%06");
    CHECK(uri.token == "my token% created by Joe");
    CHECK(uri.id == Bytes{1, 2, 3, 0xba, 0xdd, 0xca, 0xfe, 4, 5, 6});
    CHECK(Uri::parse("pkcs11:token=A%20name%20with%20a%20substring%20%25%3B;object=my-certificate;type=cert").token ==
          "A name with a substring %;");
    CHECK(Uri::parse("pkcs11:token=small%20A%20with%20acute:%20%C3%A1").token == "small A with acute: \xc3\xa1");
    // The example as it stands in the RFC is of 34 bytes, which no token's label can have.
    CHECK_RAISES(Uri::parse("pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1"), Errc::invalid_argument);
}

TEST_CASE("a PIN in a URI is refused and not repeated") {
    const auto error = test::raised([] {
        return Uri::parse("pkcs11:token=Software%20PKCS%2311%20softtoken?pin-value=the-pin");
    });
    CHECK(error.code() == Errc::invalid_argument);
    CHECK(error.message().find("the-pin") == std::string::npos);
    CHECK(error.hint().find("the-pin") == std::string::npos);
}

TEST_CASE("a PIN source that is a command is never run") {
    CHECK_RAISES(Uri::parse("pkcs11:token=a?pin-source=%7C/usr/lib/pinomatic"), Errc::invalid_argument);
    CHECK_RAISES(Uri::parse("pkcs11:token=a?pin-source=1234"), Errc::invalid_argument);
    CHECK(Uri::parse("pkcs11:token=a?pin-source=/etc/pin").pin_source == SecretSource::parse("file:/etc/pin"));
}

TEST_CASE("what is no PKCS#11 URI is refused") {
    for(const auto* text : {"", "pkcs11", "PKCS12:token=a", "http://pkcs11.invalid/", "pkcs11:token", "pkcs11:token=%zz",
                            "pkcs11:token=a;token=b", "pkcs11:?module-name=a&module-name=b", "pkcs11:colour=blue", "pkcs11:type=banana", "pkcs11:;;",
                            "pkcs11:token=a-label-that-is-longer-than-thirty-two-bytes"}) {
        INFO(text);
        CHECK_RAISES(Uri::parse(text), Errc::invalid_argument);
    }
    CHECK_RAISES(Uri::parse(std::string_view("pkcs11:token=a\0b", 16)), Errc::invalid_argument);
}

TEST_CASE("a URI is written and read back the same") {
    Uri uri;
    uri.token = "Root CA / 2026; #1 \xc3\xb8";
    uri.serial = "0123456789abcdef";
    uri.object = "key & more";
    uri.id = Bytes{0, 1, 0xff};
    uri.type = "private";
    uri.module_path = "/usr/lib/softhsm/libsofthsm2.so";
    uri.pin_source = SecretSource::parse("file:/run/pin");
    CHECK(Uri::parse(uri.to_string()) == uri);

    Uri long_label;
    long_label.token = std::string(33, 'x');
    CHECK_RAISES(long_label.to_string(), Errc::invalid_argument);
    Uri bad_type;
    bad_type.type = "banana";
    CHECK_RAISES(bad_type.to_string(), Errc::invalid_argument);
}
