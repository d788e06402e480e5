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

#include <backends/database/database_place.hpp>
#include <backends/database/in_processes.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/raises.hpp>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

using namespace keyway;
using keyway::test::DatabasePlace;
using keyway::test::OpenedBackend;
using keyway::test::raised;

namespace {

namespace fs = std::filesystem;

double seconds(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("keys of every kind are made, listed without a passphrase, and opened again") {
    const DatabasePlace place;
    const auto backend = place.opened();
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
    const OpenedBackend without(database_backend(), place.where(), {});
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
    const DatabasePlace place;
    const auto backend = place.opened();
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

TEST_CASE("the same key can be kept under two labels, and each is removed by itself") {
    const DatabasePlace place;
    const auto backend = place.opened();
    const auto first = backend.create("p-256", {{"label", "a"}}).ref;
    const auto second = backend.store(*backend.use(first), {{"label", "b"}});
    CHECK(first.fingerprint() == second.fingerprint());
    backend.remove(first);
    CHECK(backend.labels() == std::vector<std::string>{"b"});
    CHECK(!backend.check(second));
}

TEST_CASE("no two keys share a data key, a nonce or a ciphertext") {
    const DatabasePlace place;
    const auto backend = place.opened();
    const auto ref = backend.create("p-256", {{"label", "a"}}).ref;
    const auto key = backend.use(ref);
    std::set<std::string> nonces;
    for(int i = 0; i < 10; ++i) {
        const auto label = "copy-" + std::to_string(i);
        static_cast<void>(backend.store(*key, {{"label", label}}));
        for(const auto* const column : {"wrapped_data_key", "encrypted_private_key"}) {
            nonces.insert(place.answer(std::string("select ") + column + " from signing_key where label = '" +
                                           label + "'")
                              .substr(0, 16));
        }
    }
    CHECK(nonces.size() == 20);
}

TEST_CASE("the passphrase is worked on once, and another one never gets in by that") {
    const DatabasePlace place;
    auto usual = place.where();
    usual.emplace("passphrase", "env:PASS");
    const OpenedBackend backend(database_backend(),
                                usual,  // 64 MiB, 3 passes
                                {{"PASS", "correct horse"}, {"OTHER", "battery staple"}});
    const auto ref = backend.create("ed25519", {{"label", "a"}}).ref;
    CHECK(
        place.answer(
            "select argon2_memory_kib || ' ' || argon2_passes || ' ' || argon2_parallelism from key_encryption_key") ==
        "65536 3 1");
    const OpenedBackend fresh(
        database_backend(), usual, {{"PASS", "correct horse"}});
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

TEST_CASE("of many who make the same label at once, one gets it; others do not disturb", "[threads]") {
    const DatabasePlace place;
    std::atomic<int> made = 0;
    std::atomic<int> refused = 0;
    std::atomic<int> failed = 0;
    {
        std::vector<std::jthread> threads;
        for(int i = 0; i < 8; ++i) {
            // A backend each, as in processes of their own; the database is not there yet.
            threads.emplace_back([&, i] {
                const auto backend = place.opened();
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
    const auto backend = place.opened();
    CHECK(backend.list().size() == 9);
    for(const auto& key : backend.list()) {
        CHECK(!backend.check(key.ref));
    }
    CHECK(place.answer("select count(*) from key_encryption_key") == "1");
}

TEST_CASE("one backend serves many threads", "[threads]") {
    const DatabasePlace place;
    const auto backend = place.opened();
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
    const DatabasePlace place;
    auto asking = place.settings();
    asking["passphrase"] = "prompt:PASS";
    const OpenedBackend backend(database_backend(),
                                asking,
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

TEST_CASE("of two processes that make the same key, one gets it and the other is told so") {
    const DatabasePlace place;
    for(int round = 0; round < 5; ++round) {
        const auto label = "same-" + std::to_string(round);
        const auto statuses = test::in_processes(2, [&](int number) {
            const auto backend = place.opened();
            try {
                static_cast<void>(backend.create("ed25519", {{"label", label}}));
                ::_exit(10);
            } catch(const Error& error) {
                if(error.code() != Errc::already_exists) {
                    throw;
                }
            }
            return number >= 0;
        });
        CHECK(std::set<int>(statuses.begin(), statuses.end()) == std::set<int>{0, 10});
    }
    const auto backend = place.opened();
    CHECK(backend.list().size() == 5);
    for(const auto& key : backend.list()) {
        CHECK(!backend.check(key.ref));
    }
    CHECK(place.answer("select count(*) from key_encryption_key") == "1");
}
