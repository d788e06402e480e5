// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/file/file_backend.hpp>
#include <keyway/core/file_io.hpp>
#include <keyway/key/private_key_file.hpp>

#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/hash.h>
#include <botan/hex.h>
#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <backends/file/opened_backend.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/process.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <algorithm>
#include <sys/stat.h>

using namespace keyway;
using keyway::test::OpenedBackend;
using keyway::test::raised;
using keyway::test::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

constexpr auto passphrase = "correct horse";

OpenedBackend opened(const fs::path& folder) {
    return {file_backend(),
            {{"path", folder.string()}, {"passphrase", "env:PASS"}, {"scrypt-parallelization", "1"}},
            {{"PASS", passphrase}, {"OTHER", "battery staple"}}};
}

unsigned mode_of(const fs::path& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 07777U;
}

/// The fingerprint of the key in a file, as OpenSSL sees it.
std::string openssl_fingerprint(const std::vector<std::string>& arguments) {
    std::vector<std::string> command{"openssl", "pkey", "-pubout", "-outform", "DER"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const auto result = test::run(command);
    INFO(result.err);
    REQUIRE(result.status == 0);
    const auto hash = Botan::HashFunction::create_or_throw("SHA-256");
    hash->update(result.out);
    return Botan::hex_encode(hash->final(), false);
}

std::vector<std::string> files_in(const fs::path& folder) {
    std::vector<std::string> names;
    for(const auto& entry : fs::directory_iterator(folder)) {
        names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

}  // namespace

TEST_CASE("keys of every kind are made, read by OpenSSL with the passphrase, and opened again") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path() / "keys");
    const auto kinds = test::all_kinds();
    for(const auto& kind : kinds) {
        INFO(kind);
        const auto created = backend.create(kind, {{"label", kind}});
        CHECK(created.ref.key() == KeySpec::parse(kind));
        CHECK(created.ref.backend().str() == "store");
        CHECK(created.ref.backend_type() == "file");
        CHECK(created.ref.fingerprint() == SpkiFingerprint::of(*created.public_key));
        const auto path = (folder.path() / "keys" / (kind + ".pem")).string();
        CHECK(mode_of(path) == 0600);
        // OpenSSL 3.0 has no ML-DSA and SLH-DSA, and later ones do not read the bare seed that Botan 3.12 writes.
        if(!kind.starts_with("ml-dsa-") && !kind.starts_with("slh-dsa-")) {
            CHECK(openssl_fingerprint({"-in", path, "-passin", "pass:correct horse"}) ==
                  created.ref.fingerprint().to_string());
        }
        CHECK(SpkiFingerprint::of(*backend.use(created.ref)) == created.ref.fingerprint());
        CHECK(!backend.check(created.ref));
    }
    CHECK(mode_of(folder.path() / "keys") == 0700);
    CHECK(backend.labels() == kinds);
}

TEST_CASE("the work to open a file can be set") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path());
    const auto created = backend.create("p-256", {{"label", "a"}, {"scrypt-parallelization", "9"}});
    const auto path = (folder.path() / "a.pem").string();
    CHECK(openssl_fingerprint({"-in", path, "-passin", "pass:correct horse"}) ==
          created.ref.fingerprint().to_string());
    CHECK(SpkiFingerprint::of(*backend.use(created.ref)) == created.ref.fingerprint());
}

TEST_CASE("openssl req, x509 and dgst take a key file as it is") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path() / "keys");
    static_cast<void>(backend.create("p-256", {{"label", "a"}}));
    const auto key = (folder.path() / "keys/a.pem").string();
    const auto request = (folder.path() / "a.csr").string();
    CHECK(test::run({"openssl", "req", "-new", "-key", key, "-passin", "pass:correct horse", "-subj", "/CN=a",
                     "-out", request})
              .status == 0);
    CHECK(
        test::run({"openssl", "x509", "-req", "-in", request, "-signkey", key, "-passin", "pass:correct horse"})
            .status == 0);
    CHECK(test::run({"openssl", "dgst", "-sha256", "-sign", key, "-passin", "pass:correct horse", request})
              .status == 0);
    CHECK(test::run({"openssl", "pkey", "-in", key, "-passin", "pass:wrong", "-noout"}).status != 0);
}

TEST_CASE("PEM and DER, encrypted or not: OpenSSL reads each, and the listing is the same") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path());
    const auto pem = backend.create("p-256", {{"label", "a"}, {"format", "pem"}});
    const auto der = backend.create("p-256", {{"label", "b"}, {"format", "der"}});
    const auto clear_pem = backend.create("p-256", {{"label", "c"}, {"unencrypted-insecure", "true"}});
    const auto clear_der =
        backend.create("p-256", {{"label", "d"}, {"format", "der"}, {"unencrypted-insecure", "true"}});
    const auto at = [&](const char* name) { return (folder.path() / name).string(); };
    CHECK(openssl_fingerprint({"-in", at("a.pem"), "-passin", "pass:correct horse"}) ==
          pem.ref.fingerprint().to_string());
    CHECK(openssl_fingerprint({"-inform", "DER", "-in", at("b.der"), "-passin", "pass:correct horse"}) ==
          der.ref.fingerprint().to_string());
    CHECK(openssl_fingerprint({"-in", at("c.pem")}) == clear_pem.ref.fingerprint().to_string());
    CHECK(openssl_fingerprint({"-inform", "DER", "-in", at("d.der")}) ==
          clear_der.ref.fingerprint().to_string());

    std::vector<std::string> listed;
    for(const auto& key : backend.list()) {
        CHECK(!backend.check(key.ref));
        CHECK(SpkiFingerprint::of(*backend.use(key.ref)) == key.ref.fingerprint());
        listed.push_back(key.label + " " + key.ref.to_string());
        for(const auto& [name, value] : key.attributes) {
            listed.back() += " " + name + "=" + value;
        }
    }
    CHECK(listed == std::vector<std::string>{
                        "a " + pem.ref.to_string() + " file=" + at("a.pem") + " encrypted=yes",
                        "b " + der.ref.to_string() + " file=" + at("b.der") + " encrypted=yes",
                        "c " + clear_pem.ref.to_string() + " file=" + at("c.pem") + " encrypted=no",
                        "d " + clear_der.ref.to_string() + " file=" + at("d.der") + " encrypted=no",
                    });
}

TEST_CASE(
    "without a passphrase, keys can be listed, checked and removed by what PEM files state, but not used") {
    const TemporaryFolder folder;
    const auto ref = opened(folder.path()).create("ed25519", {{"label", "a"}}).ref;
    const OpenedBackend backend(file_backend(), {{"path", folder.path().string()}}, {});
    REQUIRE(backend.list().size() == 1);
    CHECK(backend.list()[0].ref == ref);
    CHECK(!backend.check(ref));
    CHECK(raised([&] { return backend.use(ref); }).code() == Errc::secret_unavailable);
    backend.remove(ref);
    CHECK(files_in(folder.path()).empty());
}

TEST_CASE("an encrypted DER file cannot be listed without its passphrase") {
    const TemporaryFolder folder;
    static_cast<void>(opened(folder.path()).create("ed25519", {{"label", "a"}, {"format", "der"}}));
    const OpenedBackend backend(file_backend(), {{"path", folder.path().string()}}, {});
    CHECK(raised([&] { return backend.list(); }).code() == Errc::secret_unavailable);
    CHECK(opened(folder.path()).labels() == std::vector<std::string>{"a"});
}

TEST_CASE("keys made by others are stored, encrypted anew, and are the same keys") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path());
    for(const auto* const name : {"rsa-2048.pkcs8.pem", "p-256.java.der", "p-384.scrypt.pem",
                                  "ed25519.rfc8410-v2.pem", "ed448.pkcs8.der", "p-256.compressed.pem"}) {
        INFO(name);
        const auto key = read_private_key(read_file(fs::path(KEYWAY_KEY_VECTORS) / name, 65536), name,
                                          [] { return Secret("vector-passphrase"); });
        const auto ref = backend.store(*key, {{"label", name}});
        CHECK(ref.fingerprint() == SpkiFingerprint::of(*key));
        CHECK(openssl_fingerprint({"-in", (folder.path() / (std::string(name) + ".pem")).string(), "-passin",
                                   "pass:correct horse"}) == ref.fingerprint().to_string());
        CHECK(backend.use(ref)->private_key_info() == key->private_key_info());
    }
}

TEST_CASE("a key that states its public half in another way is known by what is written") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path());
    Botan::ECDSA_PrivateKey key(Botan::system_rng(), Botan::EC_Group::from_name("secp256r1"));
    key.set_point_encoding(Botan::EC_Point_Format::Compressed);
    const auto ref = backend.store(key, {{"label", "a"}});
    CHECK(SpkiFingerprint::of(*backend.use(ref)) == ref.fingerprint());
}

TEST_CASE("the same key can be kept under two labels, and each is removed by itself") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path());
    const auto first = backend.create("p-256", {{"label", "a"}}).ref;
    const auto second = backend.store(*backend.use(first), {{"label", "b"}});
    CHECK(first.fingerprint() == second.fingerprint());
    backend.remove(first);
    CHECK(backend.labels() == std::vector<std::string>{"b"});
    CHECK(!backend.check(second));
    CHECK(raised([&] { return backend.use(first); }).code() == Errc::key_not_found);
    CHECK(files_in(folder.path()) == std::vector<std::string>{"b.pem"});
}

TEST_CASE("the passphrase of a call goes before that of the settings") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path());
    const auto ref = backend.create("p-256", {{"label", "a"}, {"passphrase", "env:OTHER"}}).ref;
    CHECK(raised([&] { return backend.use(ref); }).code() == Errc::passphrase_incorrect);
    CHECK(backend.use(ref, {{"passphrase", "env:OTHER"}}) != nullptr);
    CHECK(!backend.check(ref, {{"passphrase", "env:OTHER"}}));
}

TEST_CASE("a passphrase is asked for last, and once") {
    const TemporaryFolder folder;
    const auto maker = opened(folder.path());
    const auto ref = maker.create("p-256", {{"label", "a"}}).ref;
    static_cast<void>(maker.create("p-256", {{"label", "b"}, {"format", "der"}}));
    static_cast<void>(maker.create("p-256", {{"label", "c"}, {"format", "der"}}));
    static_cast<void>(maker.create("p-256", {{"label", "d"}, {"unencrypted-insecure", "true"}}));
    CHECK(maker.reads() == 3);
    const auto backend = opened(folder.path());
    const auto other = test::with_fingerprint(ref, SpkiFingerprint::parse(std::string(64, 'a')));
    CHECK(raised([&] { return backend.use(other); }).code() == Errc::key_mismatch);
    CHECK(raised([&] { return backend.create("p-256", {{"label", "a"}}); }).code() == Errc::already_exists);
    CHECK(backend.reads() == 0);
    CHECK(backend.list().size() == 4);
    CHECK(backend.reads() == 1);
    static_cast<void>(backend.use(ref));
    CHECK(backend.reads() == 2);
}

TEST_CASE("an opened key signs") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path());
    const auto created = backend.create("p-256", {{"label", "a"}});
    const auto key = backend.use(created.ref);
    const std::vector<std::uint8_t> message{1, 2, 3};
    Botan::PK_Signer signer(*key, Botan::system_rng(), "SHA-256");
    const auto signature = signer.sign_message(message, Botan::system_rng());
    Botan::PK_Verifier verifier(*created.public_key, "SHA-256");
    CHECK(verifier.verify_message(message, signature));
}

TEST_CASE("a folder that is not there yet holds no keys, and looking does not make it") {
    const TemporaryFolder folder;
    const auto ref = opened(folder.path() / "old").create("p-256", {{"label", "a"}}).ref;
    const auto backend = opened(folder.path() / "new");
    CHECK(backend.list().empty());
    CHECK(backend.check(ref)->code() == Errc::key_not_found);
    CHECK(!fs::exists(folder.path() / "new"));
}

TEST_CASE("what is in the folder beside keys is passed over") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path());
    static_cast<void>(backend.create("p-256", {{"label", "a"}}));
    fs::copy(fs::path(KEYWAY_KEY_VECTORS) / "p-256.certificate.pem", folder.path() / "certificate.pem");
    fs::permissions(folder.path() / "certificate.pem", fs::perms::owner_read);
    fs::copy(fs::path(KEYWAY_KEY_VECTORS) / "README.md", folder.path() / "README.md");
    fs::create_directory(folder.path() / "folder");
    CHECK(backend.labels() == std::vector<std::string>{"a"});
}

TEST_CASE("a call asks for the passphrase at most once, whoever answers") {
    const TemporaryFolder folder;
    const OpenedBackend backend(file_backend(),
                                {{"path", (folder.path() / "keys").string()}, {"passphrase", "prompt:PASS"},
                                 {"scrypt-parallelization", "1"}},
                                {{"PASS", "correct horse"}});
    std::optional<KeyRef> ref;  // in DER: without the public half, so that listing and removing open the key, too
    CHECK(backend.reads_in([&] { ref = backend.create("ed25519", {{"label", "a"}, {"format", "der"}}).ref; }) == 1);
    const auto key = backend.use(*ref);
    CHECK(backend.reads_in([&] { static_cast<void>(backend.use(*ref)); }) == 1);
    CHECK(backend.reads_in([&] { CHECK(!backend.check(*ref)); }) == 1);
    CHECK(backend.reads_in([&] { static_cast<void>(backend.store(*key, {{"label", "b"}, {"format", "der"}})); }) == 1);
    CHECK(backend.reads_in([&] { CHECK(backend.labels().size() == 2); }) == 1);
    CHECK(backend.reads_in([&] { backend.remove(*ref); }) == 1);
}

TEST_CASE("messages and listings show where a folder given by a relative path is") {
    const TemporaryFolder folder;
    const auto before = fs::current_path();
    fs::current_path(folder.path());
    const auto backend = opened("keys");
    fs::current_path(before);
    const auto ref = backend.create("ed25519", {{"label", "a"}}).ref;
    const auto path = (folder.path() / "keys" / "a.pem").string();
    CHECK(backend.list()[0].attributes[0] == std::pair<std::string, std::string>("file", path));
    backend.remove(ref);
    CHECK(raised([&] { return backend.use(ref); }).message().find("\"" + path + "\"") != std::string::npos);
}
