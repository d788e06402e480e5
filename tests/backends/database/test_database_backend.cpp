// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/database_backend.hpp>
#include <keyway/core/file_io.hpp>
#include <keyway/key/private_key_file.hpp>

#include <botan/base64.h>
#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/hex.h>
#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <backends/database/sqlite_file.hpp>
#include <backends/file/opened_backend.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

using namespace keyway;
using keyway::test::answer;
using keyway::test::OpenedBackend;
using keyway::test::raised;
using keyway::test::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

OpenedBackend opened(const fs::path& path, const std::string& passphrase = "correct horse") {
    return {database_backend(),
            {{"path", path.string()},
             {"passphrase", "env:PASS"},
             {"argon2-memory-kib", "8192"},
             {"argon2-passes", "1"}},
            {{"PASS", passphrase}}};
}

double seconds(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("keys of every kind are made, listed without a passphrase, and opened again") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    const auto backend = opened(path);
    std::vector<std::string> expected;
    for(const auto& kind : test::all_kinds()) {
        INFO(kind);
        const auto created = backend.create(kind, {{"label", kind}});
        CHECK(created.ref.key() == KeySpec::parse(kind));
        CHECK(created.ref.backend_type() == "database");
        CHECK(created.ref.fingerprint() == SpkiFingerprint::of(*created.public_key));
        CHECK(SpkiFingerprint::of(*backend.use(created.ref)) == created.ref.fingerprint());
        CHECK(!backend.check(created.ref));
        expected.push_back(kind + " " + created.ref.to_string() + " created=2027-01-15T08:00:00Z");
    }
    const OpenedBackend without(database_backend(), {{"path", path.string()}}, {});
    std::vector<std::string> listed;
    for(const auto& key : without.list()) {
        listed.push_back(key.label + " " + key.ref.to_string());
        for(const auto& [name, value] : key.attributes) {
            listed.back() += " " + name + "=" + value;
        }
        CHECK(!without.check(key.ref));
        CHECK(raised([&] { return without.use(key.ref); }).code() == Errc::secret_unavailable);
    }
    CHECK(listed == expected);
}

TEST_CASE("keys made by others are stored, and are the same keys") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path() / "keys.db");
    for(const auto* const name : {"rsa-2048.pkcs8.pem", "p-256.java.der", "p-384.scrypt.pem",
                                  "ed25519.rfc8410-v2.pem", "ed448.pkcs8.der"}) {
        INFO(name);
        const auto key = read_private_key(read_file(fs::path(KEYWAY_KEY_VECTORS) / name, 65536), name,
                                          [] { return Secret("vector-passphrase"); });
        const auto ref = backend.store(*key, {{"label", name}});
        CHECK(ref.fingerprint() == SpkiFingerprint::of(*key));
        CHECK(backend.use(ref)->private_key_info() == key->private_key_info());
    }
}

TEST_CASE("nothing private is in the files, also not after a key was removed") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    const auto backend = opened(path);
    std::unique_ptr<soci::session>
        held;  // so that the log stays beside the database, and is looked through too
    std::vector<std::pair<KeyRef, std::vector<std::string>>> keys;
    for(const auto* const kind : {"p-256", "ed25519", "rsa-2048"}) {
        const auto ref = backend.create(kind, {{"label", kind}}).ref;
        if(keys.empty()) {
            held = std::make_unique<soci::session>(soci::sqlite3, "dbname=\"" + path.string() + "\"");
            int count = 0;
            *held << "select count(*) from signing_key", soci::into(count);
            REQUIRE(count == 1);
        }
        const auto key = backend.use(ref);
        std::vector<std::string> needles;
        // PKCS#8 begins like every key of its kind; the secret is in the middle and at the end.
        for(const auto& bits : {key->private_key_bits(), key->private_key_info()}) {
            const auto tail = std::span(bits).last(24);
            const auto middle = std::span(bits).subspan(bits.size() / 2 - 6, 12);
            for(const auto part : {tail, middle}) {
                needles.emplace_back(part.begin(), part.end());
                needles.push_back(Botan::hex_encode(part, false));
            }
            for(std::size_t shift = 0; shift < 3; ++shift) {  // however it stands to groups of three bytes
                const auto text = Botan::base64_encode(tail.subspan(shift));
                needles.push_back(text.substr(0, 24));
            }
        }
        keys.emplace_back(ref, needles);
    }
    const auto find_all = [&] {
        const auto bytes = test::bytes_of_database(folder.path());
        CHECK(bytes.find("correct horse") == std::string::npos);
        CHECK(bytes.find("rsa-2048") != std::string::npos);  // the search does find what is there
        for(const auto& [ref, needles] : keys) {
            for(const auto& needle : needles) {
                CHECK(bytes.find(needle) == std::string::npos);
            }
        }
    };
    REQUIRE(fs::exists(path.string() + "-wal"));
    find_all();
    backend.remove(keys[0].first);
    find_all();
}

TEST_CASE("what was removed is gone from the file") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    const auto backend = opened(path);
    const auto ref = backend.create("p-256", {{"label", "gone"}}).ref;
    static_cast<void>(backend.create("p-256", {{"label", "kept"}}));
    const auto row = answer(path, "select encrypted_private_key from signing_key where label = 'gone'");
    REQUIRE(test::bytes_of_database(folder.path()).find(row) != std::string::npos);
    backend.remove(ref);
    CHECK(test::bytes_of_database(folder.path()).find(row) == std::string::npos);
    CHECK(backend.labels() == std::vector<std::string>{"kept"});
    CHECK(raised([&] { return backend.use(ref); }).code() == Errc::key_not_found);
}

TEST_CASE("the same key can be kept under two labels, and each is removed by itself") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path() / "keys.db");
    const auto first = backend.create("p-256", {{"label", "a"}}).ref;
    const auto second = backend.store(*backend.use(first), {{"label", "b"}});
    CHECK(first.fingerprint() == second.fingerprint());
    backend.remove(first);
    CHECK(backend.labels() == std::vector<std::string>{"b"});
    CHECK(!backend.check(second));
}

TEST_CASE("no two keys share a data key, a nonce or a ciphertext") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    const auto backend = opened(path);
    const auto ref = backend.create("p-256", {{"label", "a"}}).ref;
    const auto key = backend.use(ref);
    std::set<std::string> nonces;
    for(int i = 0; i < 10; ++i) {
        const auto label = "copy-" + std::to_string(i);
        static_cast<void>(backend.store(*key, {{"label", label}}));
        for(const auto* const column : {"wrapped_data_key", "encrypted_private_key"}) {
            nonces.insert(answer(path, std::string("select ") + column + " from signing_key where label = '" +
                                           label + "'")
                              .substr(0, 16));
        }
    }
    CHECK(nonces.size() == 20);
}

TEST_CASE("the passphrase is worked on once, and another one never gets in by that") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    const OpenedBackend backend(database_backend(),
                                {{"path", path.string()}, {"passphrase", "env:PASS"}},  // 64 MiB, 3 passes
                                {{"PASS", "correct horse"}, {"OTHER", "battery staple"}});
    const auto ref = backend.create("ed25519", {{"label", "a"}}).ref;
    CHECK(
        answer(
            path,
            "select argon2_memory_kib || ' ' || argon2_passes || ' ' || argon2_parallelism from key_encryption_key") ==
        "65536 3 1");
    const OpenedBackend fresh(
        database_backend(), {{"path", path.string()}, {"passphrase", "env:PASS"}}, {{"PASS", "correct horse"}});
    const auto first = seconds([&] { static_cast<void>(fresh.use(ref)); });
    const auto second = seconds([&] { static_cast<void>(fresh.use(ref)); });
    CHECK(second < first / 3);

    for(int i = 0; i < 2; ++i) {
        CHECK(backend.use(ref) != nullptr);
        CHECK(raised([&] {
                  return backend.use(ref, {{"passphrase", "env:OTHER"}});
              }).code() == Errc::passphrase_incorrect);
        CHECK(backend.check(ref, {{"passphrase", "env:OTHER"}})->code() == Errc::passphrase_incorrect);
    }
    backend.set_secret("PASS", "correct horse ");  // the same source with another value
    CHECK(raised([&] { return backend.use(ref); }).code() == Errc::passphrase_incorrect);
    CHECK(raised([&] {
              return backend.create("ed25519", {{"label", "b"}});
          }).code() == Errc::passphrase_incorrect);
    CHECK(backend.labels() == std::vector<std::string>{"a"});
}

TEST_CASE("a database put in the place of another one is opened with its own passphrase only") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path() / "a.db");
    const auto ref = backend.create("ed25519", {{"label", "a"}}).ref;
    const auto other = opened(folder.path() / "b.db", "battery staple");
    const auto other_ref = other.store(*backend.use(ref), {{"label", "a"}});
    fs::rename(folder.path() / "b.db", folder.path() / "a.db");
    CHECK(raised([&] { return backend.use(ref); }).code() == Errc::passphrase_incorrect);
    backend.set_secret("PASS", "battery staple");
    CHECK(SpkiFingerprint::of(*backend.use(ref)) == ref.fingerprint());
}

TEST_CASE("of many who make the same label at once, one gets it; others do not disturb") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    std::atomic<int> made = 0;
    std::atomic<int> refused = 0;
    std::atomic<int> failed = 0;
    {
        std::vector<std::jthread> threads;
        for(int i = 0; i < 8; ++i) {
            // A backend each, as in processes of their own; the database is not there yet.
            threads.emplace_back([&, i] {
                const auto backend = opened(path);
                for(const auto& label : {std::string("same"), "own-" + std::to_string(i)}) {
                    try {
                        const auto ref = backend.create("ed25519", {{"label", label}}).ref;
                        failed += SpkiFingerprint::of(*backend.use(ref)) == ref.fingerprint() ? 0 : 1;
                        ++made;
                    } catch(const Error& error) {
                        (error.code() == Errc::already_exists && label == "same" ? refused : failed) += 1;
                    }
                }
            });
        }
    }
    CHECK(made == 9);
    CHECK(refused == 7);
    CHECK(failed == 0);
    const auto backend = opened(path);
    CHECK(backend.list().size() == 9);
    for(const auto& key : backend.list()) {
        CHECK(!backend.check(key.ref));
    }
    CHECK(answer(path, "select count(*) from key_encryption_key") == "1");
}

TEST_CASE("one backend serves many threads") {
    const TemporaryFolder folder;
    const auto backend = opened(folder.path() / "keys.db");
    const auto ref = backend.create("p-256", {{"label", "shared"}}).ref;
    std::atomic<int> failed = 0;
    {
        std::vector<std::jthread> threads;
        for(int i = 0; i < 8; ++i) {
            threads.emplace_back([&, i] {
                try {
                    const auto own = backend.create("ed25519", {{"label", std::to_string(i)}}).ref;
                    failed += backend.check(ref) || backend.list().empty() ? 1 : 0;
                    failed += SpkiFingerprint::of(*backend.use(ref)) == ref.fingerprint() ? 0 : 1;
                    backend.remove(own);
                } catch(const Error&) {
                    ++failed;
                }
            });
        }
    }
    CHECK(failed == 0);
    CHECK(backend.labels() == std::vector<std::string>{"shared"});
}

TEST_CASE("a call asks for the passphrase at most once, whoever answers") {
    const TemporaryFolder folder;
    const OpenedBackend backend(database_backend(),
                                {{"path", (folder.path() / "keys").string()}, {"passphrase", "prompt:PASS"},
                                 {"argon2-memory-kib", "8192"}, {"argon2-passes", "1"}},
                                {{"PASS", "correct horse"}});
    std::optional<KeyRef> ref;
    CHECK(backend.reads_in([&] { ref = backend.create("ed25519", {{"label", "a"}}).ref; }) == 1);
    const auto key = backend.use(*ref);
    CHECK(backend.reads_in([&] { static_cast<void>(backend.use(*ref)); }) == 1);
    CHECK(backend.reads_in([&] { CHECK(!backend.check(*ref)); }) == 1);
    CHECK(backend.reads_in([&] { static_cast<void>(backend.store(*key, {{"label", "b"}})); }) == 1);
    CHECK(backend.reads_in([&] { CHECK(backend.labels().size() == 2); }) == 0);
    CHECK(backend.reads_in([&] { backend.remove(*ref); }) == 0);
}
