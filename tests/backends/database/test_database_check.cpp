// SPDX-License-Identifier: BSD-2-Clause
// check() and check_writable() of the database backend on SQLite: neither passes for what is not so.
#include <keyway/backends/database/database_backend.hpp>
#include <keyway/backends/database/key_table_internal.hpp>
#include <keyway/database/sqlite_database_internal.hpp>
#include <keyway/key/paged_key_lister.hpp>

#include <backends/database/sqlite_file.hpp>
#include <backends/file/full_disk.hpp>
#include <backends/file/one_key.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/another_user.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <algorithm>
#include <stdexcept>
#include <sys/stat.h>

using namespace keyway;
using keyway::test::OpenedBackend;

namespace {

namespace fs = std::filesystem;

struct OneKey : test::OneKey {
    OneKey() : test::OneKey(database_backend(), "keys.db", {{"argon2-memory-kib", "8192"}, {"argon2-passes", "1"}}) {}
    const fs::path& file = place;
};

}  // namespace

TEST_CASE("check never passes for a row that is gone or replaced, nor for a database that is gone or cannot be read") {
    const OneKey key;
    CHECK(key.check() == "ok");
    {
        const test::BoundByModes bound(key.folder.path());
        REQUIRE(::chmod(key.file.c_str(), 0) == 0);
        CHECK(key.check() == "storage_failed");
        REQUIRE(::chmod(key.file.c_str(), 0600) == 0);
    }
    key.backend.remove(key.ref);
    CHECK(key.check() == "key_not_found");
    static_cast<void>(key.backend.create("p-256", {{"label", "a"}}));
    CHECK(key.check() == "key_mismatch");
    for(const auto* const suffix : {"", "-wal", "-shm"}) {
        fs::remove(key.file.string() + suffix);
    }
    CHECK(key.check() == "key_not_found");
    CHECK(!fs::exists(key.file));
}

TEST_CASE("check with a passphrase does not pass for a private half that is another's") {
    const OneKey key;
    static_cast<void>(key.backend.create("p-256", {{"label", "b"}}));
    test::execute(key.file, "update signing_key set encrypted_private_key ="
                            " (select encrypted_private_key from signing_key where label = 'b') where label = 'a'");
    CHECK(key.check() == "malformed_data");
}

TEST_CASE("a database that can only be read or is gone is not writable, and looking changes nothing") {
    const OneKey key;
    CHECK(key.check_writable() == "ok");
    CHECK(key.backend.labels() == std::vector<std::string>{"a"});
    {
        const test::BoundByModes bound(key.folder.path());
        REQUIRE(::chmod(key.folder.path().c_str(), 0500) == 0);
        CHECK(key.check_writable() == "storage_failed");
        CHECK(key.check() == "ok");  // reading it is another wish
        REQUIRE(::chmod(key.folder.path().c_str(), 0700) == 0);
        CHECK(key.check_writable() == "ok");
        REQUIRE(::chmod(key.file.c_str(), 0400) == 0);
        CHECK(key.check_writable() == "storage_failed");
        REQUIRE(::chmod(key.file.c_str(), 0600) == 0);
        CHECK(key.check_writable() == "ok");
    }
    CHECK(key.check() == "ok");
    fs::rename(key.file, key.folder.path() / "elsewhere");
    CHECK(key.check_writable() == "storage_failed");
    CHECK(!fs::exists(key.file));
}

TEST_CASE("a file of a log that was made while the database could only be read does not keep others from writing") {
    const OneKey key;
    auto reader = test::open_sqlite(key.file);
    int keys = 0;
    reader << "select count(*) from signing_key", soci::into(keys);  // there is a log, and the table of it
    for(const auto* const suffix : {"-wal", "-shm"}) {
        REQUIRE(::chmod((key.file.string() + suffix).c_str(), 0400) == 0);
    }
    const test::BoundByModes bound(key.folder.path());
    CHECK(key.check_writable() == "ok");
    CHECK(key.backend.create("p-256", {{"label", "b"}}).ref.locator().find("label") == "b");
}

TEST_CASE("where there is no room for more, a database is not writable") {
    const OneKey key;
    const test::FullDisk full(4096);
    CHECK(key.check_writable() == "storage_failed");
}

TEST_CASE("a new key is tried beforehand: its label, its kind and the passphrase, and nothing is made") {
    const OneKey key;
    const auto told = [](const OpenedBackend& backend, const std::string& kind, const OpenedBackend::Texts& texts) {
        return OneKey::told(dynamic_cast<const NewKeyChecker&>(*backend.operator->())
                                .check_new(KeySpec::parse(kind), Phase::create, backend.options(Phase::create, texts)));
    };
    CHECK(told(key.backend, "p-256", {{"label", "b"}}) == "ok");
    CHECK(told(key.backend, "p-256", {{"label", "a"}}) == "already_exists");
    CHECK(told(key.backend, "p-256", {}) == "invalid_option");
    CHECK(told(key.backend, "p-256", {{"label", "b"}, {"passphrase", "env:GONE"}}) == "secret_unavailable");
    key.backend.set_secret("PASS", "wrong");
    CHECK(told(key.backend, "p-256", {{"label", "b"}}) == "passphrase_incorrect");
    key.backend.set_secret("PASS", "correct horse");
    CHECK(key.backend.labels() == std::vector<std::string>{"a"});
}

TEST_CASE("a key whose reference was lost is adopted by its label, when it opens") {
    const OneKey key;
    const auto adopt = [&](const OpenedBackend::Texts& texts) {
        return dynamic_cast<KeyAdopter&>(*key.backend.operator->()).adopt(key.backend.options(Phase::adopt, texts));
    };
    CHECK(adopt({{"label", "a"}}) == key.ref);
    CHECK(test::raised([&] { return adopt({{"label", "b"}}); }).code() == Errc::key_not_found);
    CHECK(test::raised([&] { return adopt({}); }).code() == Errc::invalid_option);
    static_cast<void>(key.backend.create("x25519", {{"label", "c"}}));  // which cannot sign
    CHECK(adopt({{"label", "c"}}).key() == KeySpec::parse("x25519"));
    key.backend.set_secret("PASS", "wrong");
    CHECK(test::raised([&] { return adopt({{"label", "a"}}); }).code() == Errc::passphrase_incorrect);
    key.backend.set_secret("PASS", "correct horse");
    // Another key's fingerprint in the row: what opens is not what the reference would say.
    test::execute(key.file, "update signing_key set spki_sha256 = (select spki_sha256 from signing_key where label = 'c')"
                            " where label = 'a'");
    CHECK(test::raised([&] { return adopt({{"label", "a"}}); }).code() == Errc::malformed_data);
}

TEST_CASE("keys are visited page by page, each once, whatever the size of a page, also when some go meanwhile") {
    const OneKey key;
    for(const auto* const label : {"b", "c", "\xc3\xa4", "B"}) {
        static_cast<void>(key.backend.create("ed25519", {{"label", label}}));
    }
    const database::SqliteDatabase file(key.file);
    auto connection = file.open().value();
    const auto visited = [&](std::size_t page, const std::string& removed = {}) {
        std::vector<std::string> labels;
        for_each_page(connection, page, [&](const std::vector<KeyHeader>& headers) {
            CHECK(headers.size() <= page);
            for(const auto& header : headers) {
                labels.push_back(header.label);
                if(header.label == removed) {
                    test::execute(key.file, "delete from signing_key where label = '" + removed + "'");
                }
            }
        });
        return labels;
    };
    const std::vector<std::string> all{"B", "a", "b", "c", "\xc3\xa4"};
    for(const std::size_t page : {1U, 2U, 4U, 5U, 6U}) {
        CHECK(visited(page) == all);
    }
    CHECK(visited(2, "a") == all);  // the last of its page
    CHECK(visited(2) == std::vector<std::string>{"B", "b", "c", "\xc3\xa4"});
}

TEST_CASE("the pages of a backend are its listing, damaged rows too, and one label is looked up alone") {
    const OneKey key;
    static_cast<void>(key.backend.create("ed25519", {{"label", "b"}}));
    test::execute(key.file, "with recursive series(n) as (select 1 union all select n + 1 from series where n < 2000)"
                            " insert into signing_key select 'row-' || n, spki_sha256, key_type, created, key_encryption_key_id,"
                            " wrapped_data_key, encrypted_private_key from signing_key, series where label = 'b'");
    test::execute(key.file, "update signing_key set key_type = 'none' where label in ('b', 'row-7')");
    const auto& lister = dynamic_cast<const PagedKeyLister&>(*key.backend.operator->());
    std::vector<std::size_t> sizes;
    KeyListing all;
    lister.list_pages({}, [&](const KeyListing& page) {
        sizes.push_back(page.keys.size() + page.faults.size());
        all.keys.insert(all.keys.end(), page.keys.begin(), page.keys.end());
        all.faults.insert(all.faults.end(), page.faults.begin(), page.faults.end());
    });
    CHECK(sizes == std::vector<std::size_t>{1000, 1000, 2});
    const auto whole = key.backend.listing();
    REQUIRE(whole.keys.size() == 2000);
    CHECK(std::ranges::equal(whole.keys, all.keys, {}, &KeyInfo::ref, &KeyInfo::ref));
    REQUIRE(whole.faults.size() == 2);
    CHECK(std::ranges::equal(whole.faults, all.faults, {}, &Error::message, &Error::message));
    CHECK(whole.faults[0].backend() == "store");

    CHECK(lister.list_label("a", {}).keys.at(0).ref == key.ref);
    CHECK(lister.list_label("b", {}).faults.at(0).message() == whole.faults[0].message());
    const auto none = lister.list_label("c", {});
    CHECK((none.keys.empty() && none.faults.empty()));
    CHECK_THROWS_AS(lister.list_pages({}, [](const KeyListing&) { throw std::runtime_error("enough"); }), std::runtime_error);
    // What the caller's own function throws is no fault of the backend.
    const auto of_caller = test::raised([&] {
        lister.list_pages({}, [](const KeyListing&) { throw Error(Errc::storage_failed, "the disk is full"); });
        return 0;
    });
    CHECK(of_caller.backend().empty());
}
