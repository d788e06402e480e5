// SPDX-License-Identifier: BSD-2-Clause
#include <botan/base64.h>
#include <botan/hex.h>
#include <botan/pk_keys.h>

#include <backends/database/database_place.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/raises.hpp>

#include <memory>
#include <span>
#include <utility>
#include <vector>

using namespace keyway;
using keyway::test::DatabasePlace;
using keyway::test::raised;

namespace fs = std::filesystem;

TEST_CASE("nothing private is in the files, also not after a key was removed") {
    const DatabasePlace place;
    const auto backend = place.opened();
    std::unique_ptr<soci::session>
        held;  // so that the log stays beside the database, and is looked through too
    std::vector<std::pair<KeyRef, std::vector<std::string>>> keys;
    for(const auto* const kind : {"p-256", "ed25519", "rsa-2048"}) {
        const auto ref = backend.create(kind, {{"label", kind}}).ref;
        if(keys.empty()) {
            held = std::make_unique<soci::session>(soci::sqlite3, "dbname=\"" + place.path().string() + "\"");
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
        const auto bytes = test::bytes_of_database(place.path().parent_path());
        CHECK(bytes.find("correct horse") == std::string::npos);
        CHECK(bytes.find("rsa-2048") != std::string::npos);  // the search does find what is there
        for(const auto& [ref, needles] : keys) {
            for(const auto& needle : needles) {
                CHECK(bytes.find(needle) == std::string::npos);
            }
        }
    };
    REQUIRE(fs::exists(place.path().string() + "-wal"));
    find_all();
    backend.remove(keys[0].first);
    find_all();
}

TEST_CASE("what was removed is gone from the file") {
    const DatabasePlace place;
    const auto backend = place.opened();
    const auto ref = backend.create("p-256", {{"label", "gone"}}).ref;
    static_cast<void>(backend.create("p-256", {{"label", "kept"}}));
    const auto row = place.answer("select encrypted_private_key from signing_key where label = 'gone'");
    REQUIRE(test::bytes_of_database(place.path().parent_path()).find(row) != std::string::npos);
    backend.remove(ref);
    CHECK(test::bytes_of_database(place.path().parent_path()).find(row) == std::string::npos);
    CHECK(backend.labels() == std::vector<std::string>{"kept"});
    CHECK(raised([&] { return backend.use(ref); }).code() == Errc::key_not_found);
}

TEST_CASE("a database put in the place of another one is opened with its own passphrase only") {
    const DatabasePlace first;
    const DatabasePlace second;
    const auto backend = first.opened();
    const auto ref = backend.create("ed25519", {{"label", "a"}}).ref;
    const auto other = second.opened("battery staple");
    const auto other_ref = other.store(*backend.use(ref), {{"label", "a"}});
    fs::rename(second.path(), first.path());
    CHECK(raised([&] { return backend.use(ref); }).code() == Errc::passphrase_incorrect);
    backend.set_secret("PASS", "battery staple");
    CHECK(SpkiFingerprint::of(*backend.use(ref)) == ref.fingerprint());
}
