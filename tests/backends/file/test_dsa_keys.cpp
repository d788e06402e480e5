// SPDX-License-Identifier: BSD-2-Clause
// DSA keys of others: taken in and used, never made. OpenSSL made the key, and judges the signatures.
#include <keyway/backends/file/file_backend.hpp>
#include <keyway/core/file_io.hpp>
#include <keyway/key/private_key_file.hpp>
#include <keyway/key/signature_scheme.hpp>

#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <botan/x509_key.h>

#include <backends/file/opened_backend.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/process.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <fstream>

using namespace keyway;
using keyway::test::OpenedBackend;
using keyway::test::raised;

namespace {

std::unique_ptr<Botan::Private_Key> openssl_key() {
    const std::filesystem::path path = std::filesystem::path(KEYWAY_KEY_VECTORS) / "dsa-2048.pkcs8.pem";
    return PrivateKeyFile::parse(read_file(path, 16UL * 1024UL), path.string()).open();
}

OpenedBackend opened(const test::TemporaryFolder& folder) {
    return {file_backend(),
            {{"path", (folder.path() / "keys").string()}, {"passphrase", "env:PASS"}, {"scrypt-parallelization", "1"}},
            {{"PASS", "correct horse"}}};
}

void write(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

TEST_CASE("a DSA key made by OpenSSL is imported, and OpenSSL accepts what it signs") {
    const test::TemporaryFolder folder;
    const auto backend = opened(folder);
    for(const auto* const format : {"pem", "der"}) {
        INFO(format);
        const auto ref = backend.store(*openssl_key(), {{"label", format}, {"format", format}});
        CHECK(ref.key().to_string() == "dsa-2048");
        CHECK(KeyRef::parse(ref.to_string()) == ref);
        CHECK(!backend.check(ref, {{"passphrase", "env:PASS"}}));
        const auto key = backend.use(ref);
        CHECK(SpkiFingerprint::of(*key) == ref.fingerprint());

        const std::vector<std::uint8_t> message{'d', 's', 'a'};
        const auto scheme = choose_scheme(*key);
        CHECK(scheme.name() == "dsa-sha256");
        Botan::PK_Signer signer(*key, Botan::system_rng(), scheme.botan_padding(), Botan::Signature_Format::DerSequence);
        auto signature = signer.sign_message(message, Botan::system_rng());
        const auto at = [&](const char* name) { return (folder.path() / name).string(); };
        const auto pem = Botan::X509::PEM_encode(*key);
        write(at("public.pem"), std::span(reinterpret_cast<const std::uint8_t*>(pem.data()), pem.size()));
        write(at("message"), message);
        write(at("signature"), signature);
        const std::vector<std::string> verify{"openssl", "dgst", "-sha256", "-verify", at("public.pem"), "-signature", at("signature"),
                                              at("message")};
        CHECK(test::run(verify).out == "Verified OK\n");
        write(at("message"), std::vector<std::uint8_t>{'d', 's', 'b'});
        CHECK(test::run(verify).status != 0);
    }
    CHECK(backend.labels() == std::vector<std::string>{"der", "pem"});
    const auto adopted = dynamic_cast<KeyAdopter&>(*backend.operator->()).adopt(backend.options(Phase::adopt, {{"label", "der"}}));
    CHECK(adopted.key().to_string() == "dsa-2048");
    backend.remove(adopted);
    CHECK(backend.labels() == std::vector<std::string>{"pem"});
}

TEST_CASE("no DSA key is made, with the reason") {
    const test::TemporaryFolder folder;
    const auto backend = opened(folder);
    const auto error = raised([&] { return backend.create("dsa-2048", {{"label", "a"}}); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message() == "the backend \"store\" makes no key of type \"dsa-2048\": such keys are for import only");
    CHECK(error.hint().find("FIPS 186-5") != std::string::npos);
    CHECK(error.hint().find("keyway key store") != std::string::npos);
    const auto& checker = dynamic_cast<const NewKeyChecker&>(*backend.operator->());
    CHECK(checker.check_new(KeySpec::dsa(2048), Phase::create, backend.options(Phase::create, {{"label", "a"}}))->code() ==
          Errc::unsupported);
    CHECK(!checker.check_new(KeySpec::dsa(2048), Phase::store, backend.options(Phase::store, {{"label", "a"}})));
    CHECK(raised([] { return KeySpec::parse("dsa-1024"); }).code() == Errc::unsupported);
    CHECK(backend.labels().empty());
}
