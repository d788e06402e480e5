// SPDX-License-Identifier: BSD-2-Clause
// check() and check_writable() of the file backend: neither passes for what is not so.
#include <keyway/backends/file/file_backend.hpp>
#include <keyway/core/file_io.hpp>

#include <backends/file/full_disk.hpp>
#include <backends/file/one_key.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/another_user.hpp>
#include <support/process.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <sys/stat.h>

using namespace keyway;
using keyway::test::OpenedBackend;

namespace {

namespace fs = std::filesystem;

struct OneKey : test::OneKey {
    OneKey() : test::OneKey(file_backend(), "keys", {{"scrypt-parallelization", "1"}}) {}
    const fs::path& keys = place;
};

}  // namespace

TEST_CASE("check never passes for a key that is gone, replaced, or cannot be read") {
    const OneKey key;
    CHECK(key.check() == "ok");
    const auto file = key.keys / "a.pem";
    const auto away = key.folder.path() / "a.pem";
    fs::rename(file, away);
    CHECK(key.check() == "key_not_found");
    static_cast<void>(key.backend.create("p-256", {{"label", "a"}}));
    CHECK(key.check() == "key_mismatch");
    fs::rename(away, file);
    CHECK(key.check() == "ok");
    {
        const test::BoundByModes bound(key.folder.path());
        REQUIRE(::chmod(file.c_str(), 0) == 0);
        CHECK(key.check() == "storage_failed");
        REQUIRE(::chmod(file.c_str(), 0400) == 0);
        CHECK(key.check() == "ok");
        REQUIRE(::chmod(key.keys.c_str(), 0) == 0);
        CHECK(key.check() == "storage_failed");
        REQUIRE(::chmod(key.keys.c_str(), 0700) == 0);
    }
    fs::rename(key.keys, key.folder.path() / "elsewhere");
    CHECK(key.check() == "key_not_found");
}

TEST_CASE("check with a passphrase does not pass for a private half that is another's") {
    const OneKey key;
    static_cast<void>(key.backend.create("p-256", {{"label", "b"}}));
    const auto text = [&](const char* name) {
        const auto bytes = read_file(key.keys / name, 65536);
        return std::string(bytes.begin(), bytes.end());
    };
    const std::string mark = "-----BEGIN PUBLIC KEY-----";
    const auto mixed = text("b.pem").substr(0, text("b.pem").find(mark)) + text("a.pem").substr(text("a.pem").find(mark));
    replace_file(key.keys / "a.pem", std::vector<std::uint8_t>(mixed.begin(), mixed.end()), FileAccess::owner_only);
    CHECK(key.check() == "malformed_data");
}

TEST_CASE("a folder that can only be read, is full, open to others or gone is not writable, and looking leaves nothing") {
    const OneKey key;
    const auto entries = [&] { return std::distance(fs::directory_iterator(key.keys), {}); };
    CHECK(key.check_writable() == "ok");
    CHECK(entries() == 1);
    {
        const test::FullDisk full(100);
        CHECK(key.check_writable() == "storage_failed");
    }
    CHECK(key.check_writable() == "ok");
    {
        const test::BoundByModes bound(key.folder.path());
        REQUIRE(::chmod(key.keys.c_str(), 0500) == 0);
        CHECK(key.check_writable() == "storage_failed");
        CHECK(key.check() == "ok");  // reading it is another wish
        REQUIRE(::chmod(key.keys.c_str(), 0700) == 0);
        CHECK(key.check_writable() == "ok");
    }
    REQUIRE(::chmod(key.keys.c_str(), 0755) == 0);
    CHECK(key.check_writable() == "permissions_insecure");
    REQUIRE(::chmod(key.keys.c_str(), 0700) == 0);
    CHECK(entries() == 1);
    fs::rename(key.keys, key.folder.path() / "elsewhere");
    CHECK(key.check_writable() == "storage_failed");
    CHECK(!fs::exists(key.keys));
}

TEST_CASE("a key file that another program put into the folder is adopted, by its label or its file") {
    const OneKey key;
    const auto theirs = key.keys / "theirs.pem";
    const auto made = test::run({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes-256-cbc",
                                 "-pass", "env:PASS", "-out", theirs.string()},
                                {.environment = {{"PASS", "correct horse"}}});
    REQUIRE(made.status == 0);
    const auto adopt = [&](const OpenedBackend::Texts& texts) {
        return dynamic_cast<KeyAdopter&>(*key.backend.operator->()).adopt(key.backend.options(Phase::adopt, texts));
    };
    const auto refused = [&](const OpenedBackend::Texts& texts) { return test::raised([&] { return adopt(texts); }).code(); };
    REQUIRE(::chmod(theirs.c_str(), 0640) == 0);
    CHECK(refused({{"label", "theirs"}}) == Errc::permissions_insecure);
    REQUIRE(::chmod(theirs.c_str(), 0600) == 0);
    const auto ref = adopt({{"label", "theirs"}});
    CHECK(ref.key() == KeySpec::parse("p-256"));
    CHECK(SpkiFingerprint::of(*key.backend.use(ref)) == ref.fingerprint());
    CHECK(adopt({{"file", "theirs.pem"}}) == ref);
    CHECK(adopt({{"file", theirs.string()}}) == ref);
    CHECK(adopt({{"label", "a"}}) == key.ref);

    CHECK(refused({}) == Errc::invalid_option);
    CHECK(refused({{"label", "a"}, {"file", "a.pem"}}) == Errc::invalid_option);
    CHECK(refused({{"file", "/etc/theirs.pem"}}) == Errc::invalid_option);
    CHECK(refused({{"file", "theirs.key"}}) == Errc::invalid_option);
    CHECK(refused({{"label", "nobody"}}) == Errc::key_not_found);
    CHECK(refused({{"label", "../keys/a"}}) == Errc::invalid_option);
    fs::copy(theirs, key.keys / "theirs.der");
    CHECK(refused({{"label", "theirs"}}) == Errc::key_ambiguous);
    key.backend.set_secret("PASS", "wrong");
    CHECK(refused({{"file", "theirs.pem"}}) == Errc::passphrase_incorrect);
    CHECK(key.backend.reads_in([&] { static_cast<void>(refused({{"file", "theirs.pem"}})); }) == 1);
}

TEST_CASE("a new key is tried beforehand, and nothing is made") {
    const OneKey key;
    const auto told = [&](const OpenedBackend::Texts& texts) {
        return OneKey::told(dynamic_cast<const NewKeyChecker&>(*key.backend.operator->())
                                .check_new(KeySpec::parse("p-256"), Phase::create, key.backend.options(Phase::create, texts)));
    };
    CHECK(told({{"label", "b"}}) == "ok");
    CHECK(told({{"label", "a"}}) == "already_exists");
    CHECK(told({{"label", "a/b"}}) == "invalid_option");
    CHECK(key.backend.labels() == std::vector<std::string>{"a"});
}
