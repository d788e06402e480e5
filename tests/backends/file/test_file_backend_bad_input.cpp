// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/file/file_backend.hpp>
#include <keyway/core/file_io.hpp>
#include <keyway/key/private_key_file.hpp>

#include <botan/dl_group.h>
#include <botan/dsa.h>
#include <botan/pk_keys.h>
#include <botan/pkcs8.h>
#include <botan/system_rng.h>

#include <backends/file/full_disk.hpp>
#include <backends/file/opened_backend.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <atomic>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace keyway;
using keyway::test::OpenedBackend;
using keyway::test::raised;
using keyway::test::TemporaryFolder;
using keyway::test::with_fingerprint;

namespace {

namespace fs = std::filesystem;

OpenedBackend opened(const fs::path& folder) {
    return {file_backend(),
            {{"path", folder.string()}, {"passphrase", "env:PASS"}, {"scrypt-parallelization", "1"}},
            {{"PASS", "correct horse"}}};
}

Botan::secure_vector<std::uint8_t> contents(const fs::path& path) {
    return read_file(path, 65536);
}

/// Changes a file in place, and keeps its mode; replace_file would wait for the disk each time.
void replace(const fs::path& path, std::span<const std::uint8_t> bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    for(const auto byte : bytes) {
        file.put(static_cast<char>(byte));
    }
    file.close();
    REQUIRE(file);
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

/// One encrypted key "a" in a folder, and what looking at it gives.
struct OneKey {
    TemporaryFolder folder;
    OpenedBackend backend = opened(folder.path() / "keys");
    KeyRef ref = backend.create("p-256", {{"label", "a"}}).ref;
    fs::path file = folder.path() / "keys" / "a.pem";

    /// The same error from check() and use(), of this backend.
    [[nodiscard]] Errc code() const {
        const auto error = raised([&] { return backend.use(ref); });
        INFO(error.what());
        const auto checked = backend.check(ref);
        REQUIRE(checked);
        CHECK(checked->code() == error.code());
        CHECK(error.backend() == "store");
        CHECK(!error.hint().empty());
        return error.code();
    }
};

}  // namespace

TEST_CASE("a wrong passphrase") {
    const OneKey key;
    key.backend.set_secret("PASS", "incorrect horse");
    CHECK(key.code() == Errc::passphrase_incorrect);
}

TEST_CASE("a missing file, and another key in its place") {
    const OneKey key;
    CHECK(key.backend.check(with_fingerprint(key.ref, SpkiFingerprint::parse(std::string(64, 'a'))))->code() ==
          Errc::key_mismatch);
    fs::remove(key.file);
    CHECK(key.code() == Errc::key_not_found);
    CHECK(raised([&] { return key.backend.remove(key.ref), 0; }).code() == Errc::key_not_found);
    static_cast<void>(key.backend.create("p-256", {{"label", "a"}}));
    CHECK(key.code() == Errc::key_mismatch);
    CHECK(raised([&] { return key.backend.remove(key.ref), 0; }).code() == Errc::key_mismatch);
    CHECK(fs::exists(key.file));
}

TEST_CASE("a file or folder open to others") {
    const OneKey key;
    for(const auto other :
        {fs::perms::group_read, fs::perms::others_read, fs::perms::group_write, fs::perms::others_exec}) {
        fs::permissions(key.file, fs::perms::owner_read | other);
        CHECK(key.code() == Errc::permissions_insecure);
        CHECK(raised([&] { return key.backend.list(); }).code() == Errc::permissions_insecure);
    }
    fs::permissions(key.file, fs::perms::owner_read);
    CHECK(!key.backend.check(key.ref));
    for(const auto other : {fs::perms::group_exec, fs::perms::others_read, fs::perms::group_write}) {
        fs::permissions(key.file.parent_path(), fs::perms::owner_all | other);
        CHECK(key.code() == Errc::permissions_insecure);
        CHECK(raised([&] { return key.backend.list(); }).code() == Errc::permissions_insecure);
        CHECK(raised([&] {
                  return key.backend.create("p-256", {{"label", "b"}});
              }).code() == Errc::permissions_insecure);
    }
    CHECK(!fs::exists(key.file.parent_path() / "b.pem"));
}

TEST_CASE("a file or folder of another user") {
    if(::geteuid() != 0) {
        SKIP("only root can give files to other users");
    }
    const OneKey key;
    REQUIRE(::chown(key.file.c_str(), 65534, 65534) == 0);
    CHECK(key.code() == Errc::permissions_insecure);
    REQUIRE(::chown(key.file.c_str(), 0, 0) == 0);
    CHECK(!key.backend.check(key.ref));
    REQUIRE(::chown(key.file.parent_path().c_str(), 65534, 65534) == 0);
    CHECK(key.code() == Errc::permissions_insecure);
}

TEST_CASE("links, pipes, folders and large files in the place of a key") {
    const OneKey key;
    fs::rename(key.file, key.folder.path() / "elsewhere.pem");
    SECTION("symbolic link") {
        fs::create_symlink(key.folder.path() / "elsewhere.pem", key.file);
        CHECK(key.code() == Errc::permissions_insecure);
        CHECK(raised([&] {
                  return key.backend.create("p-256", {{"label", "a"}});
              }).code() == Errc::already_exists);
    }
    SECTION("symbolic link to nowhere") {
        fs::create_symlink(key.folder.path() / "nowhere", key.file);
        CHECK(key.code() == Errc::permissions_insecure);
        CHECK(raised([&] {
                  return key.backend.create("p-256", {{"label", "a"}});
              }).code() == Errc::already_exists);
        CHECK(!fs::exists(key.folder.path() / "nowhere"));
    }
    SECTION("pipe") {
        REQUIRE(::mkfifo(key.file.c_str(), 0600) == 0);
        CHECK(key.code() == Errc::malformed_data);
    }
    SECTION("folder") {
        REQUIRE(::mkdir(key.file.c_str(), 0700) == 0);
        CHECK(key.code() == Errc::malformed_data);
    }
    SECTION("large file") {
        replace(key.file, std::vector<std::uint8_t>(100'000, '\n'));
        CHECK(key.code() == Errc::malformed_data);
    }
}

TEST_CASE("a file cut short anywhere is malformed, or still whole without its public half") {
    const OneKey key;
    const auto bytes = contents(key.file);
    const std::string text(bytes.begin(), bytes.end());
    const std::string end = "-----END ENCRYPTED PRIVATE KEY-----";
    const auto private_end = text.find(end) + end.size();
    const auto public_begin = text.find("-----BEGIN PUBLIC KEY-----");
    REQUIRE(public_begin == private_end + 1);
    std::set<std::size_t> whole;
    for(std::size_t size = 0; size < bytes.size(); ++size) {
        replace(key.file, std::span(bytes).first(size));
        const auto error = key.backend.check(key.ref);
        if(!error) {
            whole.insert(size);
        } else if(error->code() != Errc::malformed_data) {
            FAIL_CHECK("cut to " << size << " bytes: " << error->what());
        }
    }
    // Until the public half's first line is complete it is but text behind the private key.
    std::set<std::size_t> expected;
    for(auto size = private_end; size < public_begin + std::string("-----BEGIN ").size(); ++size) {
        expected.insert(size);
    }
    expected.insert(bytes.size() - 1);
    CHECK(whole == expected);
}

TEST_CASE("a file changed anywhere gives the same key or an error") {
    const OneKey key;
    const auto bytes = contents(key.file);
    std::set<Errc> codes;
    for(std::size_t at = 0; at < bytes.size(); at += 5) {
        auto changed = bytes;
        changed[at] = changed[at] == 'A' ? 'B' : 'A';
        replace(key.file, changed);
        if(const auto error = key.backend.check(key.ref)) {
            codes.insert(error->code());
        } else {
            CHECK(SpkiFingerprint::of(*key.backend.use(key.ref)) == key.ref.fingerprint());
        }
    }
    for(const auto code : codes) {
        INFO(to_string(code));
        CHECK(std::set{Errc::malformed_data, Errc::passphrase_incorrect, Errc::unsupported, Errc::key_mismatch}
                  .contains(code));
    }
}

TEST_CASE("foreign files in the place of a key") {
    const OneKey key;
    const auto expect = [&](const char* vector, Errc expected) {
        INFO(vector);
        replace(key.file, contents(fs::path(KEYWAY_KEY_VECTORS) / vector));
        CHECK(key.code() == expected);
    };
    expect("p-256.certificate.pem", Errc::malformed_data);
    expect("README.md", Errc::malformed_data);
    expect("two-keys.pem", Errc::malformed_data);
    expect("p-256.other-public-key.pem", Errc::key_mismatch);
    expect("p-256.pkcs8.pem", Errc::key_mismatch);
    expect("ed25519.openssh.pem", Errc::unsupported);
    expect("rsa-2048.old-encryption.pem", Errc::passphrase_incorrect);
    expect("p-384.scrypt.pem", Errc::passphrase_incorrect);
}

TEST_CASE("a stated public half of another key is found out on use") {
    const OneKey key;
    const auto other = key.backend.create("p-256", {{"label", "b"}}).ref;
    const auto text_of = [](const fs::path& path) {
        const auto bytes = contents(path);
        return std::string(bytes.begin(), bytes.end());
    };
    const auto mine = text_of(key.file);
    const auto theirs = text_of(key.file.parent_path() / "b.pem");
    const auto mark = std::string("-----BEGIN PUBLIC KEY-----");
    const auto mixed = theirs.substr(0, theirs.find(mark)) + mine.substr(mine.find(mark));
    replace(key.file, std::vector<std::uint8_t>(mixed.begin(), mixed.end()));
    CHECK(key.code() == Errc::malformed_data);
    CHECK(!key.backend.check(other));
}

TEST_CASE("options that are wrong are named, and nothing is left behind") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path() / "keys");
    const auto code = [&](const OpenedBackend::Texts& options) {
        return raised([&] { return backend.create("p-256", options); }).code();
    };
    CHECK(code({}) == Errc::invalid_option);
    for(const auto& label :
        std::vector<std::string>{"", "a/b", "../a", ".a", "..", "a\nb", "a\x7f", std::string(201, 'a')}) {
        INFO(label);
        CHECK(code({{"label", label}}) == Errc::invalid_option);
    }
    CHECK(code({{"label", "a"}, {"format", "jks"}}) == Errc::invalid_option);
    CHECK(code({{"label", "a"}, {"scrypt-parallelization", "0"}}) == Errc::invalid_option);
    CHECK(code({{"label", "a"}, {"scrypt-parallelization", "65"}}) == Errc::invalid_option);
    CHECK(code({{"label", "a"}, {"passphrase", "env:PASS"}, {"unencrypted-insecure", "true"}}) ==
          Errc::invalid_option);
    CHECK(code({{"label", "a"}, {"passphrase", "env:UNSET"}}) == Errc::secret_unavailable);
    CHECK(raised([&] { return backend.create("rsa-16392", {{"label", "a"}}); }).code() == Errc::unsupported);
    const Botan::DSA_PrivateKey other_kind(Botan::system_rng(), Botan::DL_Group::from_name("dsa/jce/1024"));
    CHECK(raised([&] { return backend.store(other_kind, {{"label", "a"}}); }).code() == Errc::unsupported);
    const OpenedBackend without(file_backend(), {{"path", (folder.path() / "keys").string()}}, {});
    CHECK(raised([&] { return without.create("p-256", {{"label", "a"}}); }).code() == Errc::secret_unavailable);
    CHECK(!fs::exists(folder.path() / "keys"));
    CHECK(raised([&] { return OpenedBackend(file_backend(), {}, {}); }).code() == Errc::invalid_option);
}

TEST_CASE("a label of 200 bytes of UTF-8, with spaces, is a file name") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path());
    std::string label = "Wurzel ";
    while(label.size() < 199) {
        label += "\xc3\xbc";
    }
    label.resize(199);
    const auto ref = backend.create("ed25519", {{"label", label}}).ref;
    CHECK(!backend.check(KeyRef::parse(ref.to_string())));
    CHECK(backend.labels() == std::vector{label});
}

TEST_CASE("nothing is overwritten, in either format") {
    const OneKey key;
    const auto before = contents(key.file);
    for(const auto* const format : {"pem", "der"}) {
        CHECK(raised([&] {
                  return key.backend.create("p-256", {{"label", "a"}, {"format", format}});
              }).code() == Errc::already_exists);
        CHECK(raised([&] {
                  return key.backend.store(*key.backend.use(key.ref), {{"label", "a"}, {"format", format}});
              }).code() == Errc::already_exists);
    }
    CHECK(contents(key.file) == before);
    CHECK(std::distance(fs::directory_iterator(key.file.parent_path()), {}) == 1);
}

TEST_CASE("of many who make the same label at once, one gets it", "[threads]") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path() / "keys");
    std::atomic<int> made = 0;
    std::atomic<int> refused = 0;
    {
        std::vector<std::jthread> threads;
        for(int i = 0; i < 8; ++i) {
            threads.emplace_back([&, i] {
                try {
                    static_cast<void>(backend.create("ed25519", {{"label", "a"},
                                                                 {"format", i % 2 == 0 ? "pem" : "der"},
                                                                 {"unencrypted-insecure", "true"}}));
                    ++made;
                } catch(const Error& error) {
                    refused += error.code() == Errc::already_exists ? 1 : 0;
                }
            });
        }
    }
    CHECK(made == 1);
    CHECK(refused == 7);
    CHECK(backend.list().size() == 1);
    CHECK(std::distance(fs::directory_iterator(folder.path() / "keys"), {}) == 1);
}

TEST_CASE("an RSA key with a wrong number is not stored, even where signing does not need that number") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path() / "keys");
    auto bytes = contents(fs::path(KEYWAY_KEY_VECTORS) / "rsa-2048.pkcs1.der");
    bytes[400] ^= 1;  // within the private exponent
    const auto key = read_private_key(bytes, "damaged");
    CHECK(raised([&] { return backend.store(*key, {{"label", "a"}}); }).code() == Errc::malformed_data);
    CHECK(!fs::exists(folder.path() / "keys"));
}

TEST_CASE("a disk that is full leaves no file, and no folder made for it") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path() / "keys");
    {
        const test::FullDisk full(100);
        CHECK(raised([&] { return backend.create("p-256", {{"label", "a"}}); }).code() == Errc::storage_failed);
    }
    CHECK(fs::is_empty(folder.path()));
    CHECK(!backend.check(backend.create("p-256", {{"label", "a"}}).ref));
}

namespace {

/// A key that is read, but is of no kind that Keyway holds.
std::vector<std::uint8_t> key_of_other_kind() {
    const Botan::DSA_PrivateKey key(Botan::system_rng(), Botan::DL_Group::from_name("dsa/jce/1024"));
    const auto pem = Botan::PKCS8::PEM_encode(key);
    return {pem.begin(), pem.end()};
}

}  // namespace

TEST_CASE("a file of a kind of key that is not known is named by the listing") {
    const OneKey key;
    replace(key.file.parent_path() / "b.pem", key_of_other_kind());
    const auto error = raised([&] { return key.backend.list(); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message().find((key.file.parent_path() / "b.pem").string()) != std::string::npos);
}

TEST_CASE("a file that cannot be listed does not hide the others, nor stop their use") {
    const OneKey key;
    replace(key.file.parent_path() / "b.pem", key_of_other_kind());
    replace(key.file.parent_path() / "c.pem", std::vector<std::uint8_t>{'j', 'u', 'n', 'k'});
    fs::create_symlink("a.pem", key.file.parent_path() / "d.pem");
    const auto listing = key.backend.listing();
    REQUIRE(listing.keys.size() == 1);
    CHECK(listing.keys[0].ref == key.ref);
    std::vector<Errc> faults;
    for(const auto& fault : listing.faults) {
        faults.push_back(fault.code());
    }
    CHECK(faults == std::vector{Errc::unsupported, Errc::malformed_data, Errc::permissions_insecure});
    CHECK(!key.backend.check(key.ref));
}

TEST_CASE("references that lead out of the folder, or to another type of backend") {
    const OneKey key;
    for(const auto* const name : {"../keys/a.pem", "/etc/passwd", "", "..", ".", "a/../a.pem"}) {
        INFO(name);
        const KeyRef ref(key.ref.backend(), "file", key.ref.key(), key.ref.fingerprint(),
                         KeyLocator().set("file", name));
        CHECK(key.backend.check(ref)->code() == Errc::malformed_data);
    }
    const KeyRef none(key.ref.backend(), "file", key.ref.key(), key.ref.fingerprint(), {});
    CHECK(key.backend.check(none)->code() == Errc::malformed_data);
    const KeyRef other(key.ref.backend(), "hsm", key.ref.key(), key.ref.fingerprint(), key.ref.locator());
    CHECK(key.backend.check(other)->code() == Errc::key_mismatch);
}

TEST_CASE("a folder whose parent is not there, or that is a file") {
    const TemporaryFolder folder;
    CHECK(raised([&] { return opened(folder.path() / "no/keys").create("p-256", {{"label", "a"}}); }).code() ==
          Errc::storage_failed);
    replace(folder.path() / "file", std::vector<std::uint8_t>{1});
    CHECK(raised([&] { return opened(folder.path() / "file").create("p-256", {{"label", "a"}}); }).code() ==
          Errc::storage_failed);
    CHECK(raised([&] { return opened(folder.path() / "file").list(); }).code() == Errc::storage_failed);
}
