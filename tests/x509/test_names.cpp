// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <keyway/x509/names.hpp>

#include <botan/hex.h>
#include <botan/pkcs10.h>
#include <botan/pkix_types.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace keyway;
using namespace keyway::test;
using x509::DistinguishedName;

namespace {

std::string hex(const DistinguishedName& name) {
    return Botan::hex_encode(name.der());
}

/// The subject that openssl makes of a text in its own notation, with UTF8String where it may choose.
DistinguishedName made_by_openssl(const std::string& subject) {
    const Folder folder;
    const std::string config = "[req]\nstring_mask = utf8only\nutf8 = yes\ndistinguished_name = dn\n[dn]\n";
    folder.write("openssl.cnf", config);
    openssl(folder, {"req", "-new", "-config", "openssl.cnf", "-newkey", "ed25519", "-nodes", "-keyout",
                     "key.pem", "-utf8", "-subj", subject, "-outform", "DER", "-out", "request.der"});
    const std::string der = folder.read("request.der");
    return DistinguishedName::from_botan(
        Botan::PKCS10_Request(std::vector<std::uint8_t>(der.begin(), der.end())).subject_dn());
}

}  // namespace

TEST_CASE("a name is encoded as openssl encodes it") {
    struct Case {
        std::string rfc4514;
        std::string slashes;
    };
    const Case c = GENERATE(values<Case>({
        {"CN=Example Root,O=Example,C=NO", "/C=NO/O=Example/CN=Example Root"},
        {"CN=Blåbærsyltetøy \\, AS", "/CN=Blåbærsyltetøy , AS"},
        {"UID=jsmith,DC=example,DC=invalid", "/DC=invalid/DC=example/UID=jsmith"},
        {"emailAddress=a@example.invalid,CN=A", "/CN=A/emailAddress=a@example.invalid"},
        {"CN=a+serialNumber=17,O=E", "/O=E/CN=a+serialNumber=17"},
        {"SN=Smith,GN=John,title=Dr,initials=J,pseudonym=js,dnQualifier=1,generationQualifier=III",
         "/generationQualifier=III/dnQualifier=1/pseudonym=js/initials=J/title=Dr/GN=John/SN=Smith"},
        {"CN=x,OU=U,STREET=S 1,L=Oslo,ST=Viken,postalCode=0150,businessCategory=Private Organization",
         "/businessCategory=Private Organization/postalCode=0150/ST=Viken/L=Oslo/street=S 1/OU=U/CN=x"},
        {"CN=a/b", "/CN=a\\/b"},
        {"CN=日本語", "/CN=日本語"},
    }));
    const DistinguishedName judged = made_by_openssl(c.slashes);
    CHECK(hex(DistinguishedName::parse(c.rfc4514)) == hex(judged));
    CHECK(hex(DistinguishedName::parse(c.slashes)) == hex(judged));
}

TEST_CASE("the encoding is the one of the standard, octet by octet") {
    CHECK(hex(DistinguishedName::parse("CN=A,DC=x,C=NO")) ==
          "302C"
          "310B300906035504061302"
          "4E4F"
          "3111300F060A0992268993F22C6401191601"
          "78"
          "310A300806035504030C01"
          "41");
    CHECK(hex(DistinguishedName::parse("")) == "3000");
    CHECK(hex(DistinguishedName()) == "3000");
}

TEST_CASE("escapes are read and written as RFC 4514 tells") {
    struct Case {
        std::string text;
        std::string common_name;
        std::string written;
    };
    // the first three from RFC 4514 4
    const Case c = GENERATE(values<Case>({
        {R"(CN=James \"Jim\" Smith\, III)", R"(James "Jim" Smith, III)", R"(CN=James \"Jim\" Smith\, III)"},
        {R"(CN=Lu\C4\8Di\C4\87)", "Lučić", "CN=Lučić"},
        {R"(CN=\20Kurt\20)", " Kurt ", R"(CN=\ Kurt\ )"},
        {R"(CN=\#1)", "#1", R"(CN=\#1)"},
        {R"(CN=a\=b)", "a=b", "CN=a=b"},
        {R"(CN=a=b)", "a=b", "CN=a=b"},
        {R"(CN=\\)", "\\", R"(CN=\\)"},
        {R"(CN=\<\>\;\+)", "<>;+", R"(CN=\<\>\;\+)"},
        {R"(CN=a  b)", "a  b", "CN=a  b"},
        {R"(CN=\ )", " ", R"(CN=\ )"},
        {"CN=#0C0141", "A", "CN=A"},
        {R"(/CN=a,b;c)", "a,b;c", R"(CN=a\,b\;c)"},
    }));
    const DistinguishedName name = DistinguishedName::parse(c.text);
    CHECK(name.common_name() == c.common_name);
    CHECK(name.to_string() == c.written);
    CHECK(DistinguishedName::parse(name.to_string()) == name);
}

TEST_CASE("types are read in either case, by long name and by number") {
    const DistinguishedName expected = DistinguishedName::parse("CN=x,O=y,C=NO");
    CHECK(DistinguishedName::parse("cn=x,o=y,c=NO") == expected);
    CHECK(DistinguishedName::parse("commonName=x, organizationName=y, countryName=NO") == expected);
    CHECK(DistinguishedName::parse("2.5.4.3=x,2.5.4.10=y,2.5.4.6=NO") == expected);
    CHECK(DistinguishedName::parse("1.3.6.1.4.1.99999.1=x").to_string() == "1.3.6.1.4.1.99999.1=#0C0178");
    CHECK(DistinguishedName::parse("1.3.6.1.4.1.99999.1=#0C0178") ==
          DistinguishedName::parse("1.3.6.1.4.1.99999.1=x"));
}

TEST_CASE("a name keeps its parts and their order") {
    const std::string text = "CN=a+serialNumber=1,OU=two,OU=one,O=x,C=NO";
    const DistinguishedName name = DistinguishedName::parse(text);
    CHECK(name.to_string() == text);
    CHECK(DistinguishedName::from_botan(name.to_botan()) == name);
    CHECK_FALSE(name.empty());
    CHECK(DistinguishedName().empty());
    CHECK(DistinguishedName().to_string().empty());
    CHECK(DistinguishedName::parse("O=x").common_name() == std::nullopt);
}

TEST_CASE("malformed names are refused") {
    const std::string text = GENERATE(
        as<std::string>{}, "CN", "CN=", "=x", "CN=x,", ",CN=x", "CN=x,,O=y", "CN=x+", "CN=x+CN=y",
        "CN=x ,O=y", "CN= x", "CN=x;O=y", "CN=\"x\"", "CN=<x>", "CN=x\\", "CN=x\\q", "CN=x\\0", "XX=1", "1=x",
        "1..2=x", ".1.2=x", "9.9.9=x", "CN=#", "CN=#0C", "CN=#0C0141FF", "CN=#020101", "CN=#zz", "C=no",
        "C=NOR", "C=N", "C=N1", "CN=\\00", "CN=Before\\0dAfter", "CN=\\0A", "CN=a\\7F", "CN=\\C2\\80", "CN=\\C2\\9F", "1.2.3=\\0A", "CN=\\FF", "DC=\\C3\\A5", "serialNumber=a_b",
        "emailAddress=\\C3\\A5@x", "CN=0123456789012345678901234567890123456789012345678901234567890123x",
        "/", "/CN=x/", "//CN=x", "/CN", " ");
    INFO(text);
    CHECK(error_of([&] { return DistinguishedName::parse(text); }) == Errc::invalid_argument);
}

TEST_CASE("lengths count characters, not octets") {
    std::string sixty_four;
    for(int i = 0; i < 64; ++i) {
        sixty_four += "å";
    }
    CHECK(DistinguishedName::parse("CN=" + sixty_four).common_name() == sixty_four);
    CHECK(message_of([&] { return DistinguishedName::parse("CN=" + sixty_four + "x"); }) ==
          "value \"" + sixty_four + "x\" of \"CN\" is longer than 64 characters");
}

TEST_CASE("the refusal of a value says what to do") {
    CHECK(hint_of([] { return DistinguishedName::parse("C=Norway"); }) ==
          "use the code of ISO 3166-1, for instance NO for Norway");
    CHECK(hint_of([] { return DistinguishedName::parse("CN=" + std::string(70, 'x')); }) == "shorten it: it has 70");
    CHECK(message_of([] { return DistinguishedName::parse("CN=" + std::string(5000, 'x')); }).size() < 400);
}

TEST_CASE("what is not a name is refused") {
    for(const std::string_view hex : {"", "30", "3001", "3100", "30023100", "3005310330010C", "30000C",
                                      "300D310B300906035504030C02C328"}) {
        INFO(hex);
        CHECK(error_of([&] { return DistinguishedName::from_der(Botan::hex_decode(hex)); }) ==
              Errc::malformed_data);
    }
}
