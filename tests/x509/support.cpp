// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <botan/auto_rng.h>
#include <botan/dl_group.h>
#include <botan/dsa.h>
#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/ed25519.h>
#include <botan/ed448.h>
#include <botan/pk_algs.h>
#include <botan/pkcs8.h>
#include <botan/rsa.h>

#include <catch2/catch_test_macros.hpp>

#include <fstream>
#include <sstream>

namespace keyway::test {

Botan::RandomNumberGenerator& rng() {
    static Botan::AutoSeeded_RNG generator;
    return generator;
}

std::unique_ptr<Botan::Private_Key> make_key(std::string_view type) {
    if(type.starts_with("RSA-")) {
        const auto bits = static_cast<std::size_t>(std::stoul(std::string(type.substr(4))));
        return std::make_unique<Botan::RSA_PrivateKey>(rng(), bits);
    }
    if(type == "Ed25519") {
        return std::make_unique<Botan::Ed25519_PrivateKey>(rng());
    }
    if(type == "Ed448") {
        return std::make_unique<Botan::Ed448_PrivateKey>(rng());
    }
    if(type == "DSA-2048") {
        return std::make_unique<Botan::DSA_PrivateKey>(rng(), Botan::DL_Group::from_name("dsa/botan/2048"));
    }
    if(type.starts_with("ML-DSA-") || type.starts_with("SLH-DSA-")) {
        const std::string_view algorithm = type.substr(0, type.find("DSA-") + 3);
        return Botan::create_private_key(algorithm, rng(), type);
    }
    return std::make_unique<Botan::ECDSA_PrivateKey>(rng(), Botan::EC_Group::from_name(type));
}

Time day(int year, unsigned month, unsigned day_of_month, std::chrono::seconds later) {
    using namespace std::chrono;
    return sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day_of_month)) +
           later;
}

Time today() {
    return day(2031, 5, 1);
}

x509::Validity valid_for_years(int years) {
    return {day(2030, 5, 1), day(2031 + years, 5, 1)};
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void Folder::write(const std::string& name, const std::string& content) const {
    std::ofstream file(path() / name, std::ios::binary);
    file << content << std::flush;
    REQUIRE(file.good());
}

std::string Folder::read(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(path() / name, std::ios::binary).rdbuf();
    return out.str();
}

ProcessResult try_openssl(const Folder& folder, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    ProcessSetting setting;
    setting.folder = folder.path();
    // keeps the machine's own configuration out
    setting.environment = {{"OPENSSL_CONF", "/dev/null"}, {"LC_ALL", "C.UTF-8"}};
    return run(arguments, setting);
}

std::string openssl(const Folder& folder, std::vector<std::string> arguments) {
    ProcessResult result = try_openssl(folder, std::move(arguments));
    INFO(result.err);
    INFO(result.out);
    REQUIRE(result.status == 0);
    return result.out;
}

std::string attime() {
    return std::to_string(
        std::chrono::duration_cast<std::chrono::seconds>(today().time_since_epoch()).count());
}

std::string private_key_pem(const Botan::Private_Key& key) {
    return Botan::PKCS8::PEM_encode(key);
}

TestAuthority make_root(std::string_view key_type, const SignatureWish& wish,
                        std::optional<std::size_t> path_length) {
    TestAuthority root;
    root.key = make_key(key_type);
    const x509::CertificateFields fields{
        .subject = x509::DistinguishedName::parse("CN=Example Root,O=Example,C=NO"),
        .serial = x509::SerialNumber::random(rng()),
        .validity = valid_for_years(10),
        .path_length = path_length,
    };
    root.certificate = x509::issue_root(*root.key, fields, rng(), wish);
    return root;
}

x509::CertificateFields server_fields() {
    return {
        .subject = x509::DistinguishedName::parse("CN=www.example.invalid"),
        .serial = x509::SerialNumber::random(rng()),
        .validity = valid_for_years(1),
        .alternative_names = {x509::GeneralName::dns("www.example.invalid")},
    };
}

}  // namespace keyway::test
