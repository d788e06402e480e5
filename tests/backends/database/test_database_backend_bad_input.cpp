// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/database_backend.hpp>

#include <botan/base64.h>
#include <botan/dl_group.h>
#include <botan/dsa.h>
#include <botan/pk_keys.h>
#include <botan/system_rng.h>

#include <backends/database/sqlite_file.hpp>
#include <backends/file/full_disk.hpp>
#include <backends/file/opened_backend.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <sys/resource.h>

using namespace keyway;
using keyway::test::answer;
using keyway::test::execute;
using keyway::test::OpenedBackend;
using keyway::test::raised;
using keyway::test::TemporaryFolder;
using keyway::test::with_fingerprint;

namespace {

namespace fs = std::filesystem;

OpenedBackend opened(const fs::path& path) {
    return {database_backend(),
            {{"path", path.string()},
             {"passphrase", "env:PASS"},
             {"argon2-memory-kib", "8192"},
             {"argon2-passes", "1"}},
            {{"PASS", "correct horse"}}};
}

/// Two keys in a database.
struct TwoKeys {
    TemporaryFolder folder;
    fs::path path = folder.path() / "keys.db";
    OpenedBackend backend = opened(path);
    KeyRef a = backend.create("p-256", {{"label", "a"}}).ref;
    KeyRef b = backend.create("p-256", {{"label", "b"}}).ref;

    /// The same error from check() and use(), of this backend.
    [[nodiscard]] Errc code(const KeyRef& ref) const {
        const auto error = raised([&] { return backend.use(ref); });
        INFO(error.what());
        const auto checked = backend.check(ref);
        REQUIRE(checked);
        CHECK(checked->code() == error.code());
        CHECK(error.backend() == "store");
        CHECK(!error.hint().empty());
        return error.code();
    }

    void set(const std::string& label, const std::string& column, const std::string& value) const {
        auto sql = test::open_sqlite(path);
        sql << "update signing_key set " + column + " = :value where label = :label", soci::use(value),
            soci::use(label);
    }

    [[nodiscard]] std::string get(const std::string& label, const std::string& column) const {
        return answer(path, "select " + column + " from signing_key where label = '" + label + "'");
    }
};

std::string with_bit_changed(const std::string& base64, std::size_t at) {
    auto bytes = Botan::base64_decode(base64);
    bytes.at(at) ^= 1;
    return Botan::base64_encode(bytes);
}

}  // namespace

TEST_CASE("a wrong passphrase, a missing key, and another key") {
    const TwoKeys keys;
    CHECK(keys.code(with_fingerprint(keys.a, keys.b.fingerprint())) == Errc::key_mismatch);
    CHECK(raised([&] {
              return keys.backend.remove(with_fingerprint(keys.a, keys.b.fingerprint())), 0;
          }).code() == Errc::key_mismatch);
    CHECK(keys.backend.labels() == std::vector<std::string>{"a", "b"});
    keys.backend.set_secret("PASS", "incorrect horse");
    CHECK(keys.code(keys.a) == Errc::passphrase_incorrect);
    keys.backend.remove(keys.a);
    CHECK(keys.code(keys.a) == Errc::key_not_found);
    CHECK(raised([&] { return keys.backend.remove(keys.a), 0; }).code() == Errc::key_not_found);
    fs::remove(keys.path);
    CHECK(keys.code(keys.b) == Errc::key_not_found);
    CHECK(keys.backend.list().empty());
    CHECK(!fs::exists(keys.path));
}

TEST_CASE("a ciphertext changed in any byte does not open") {
    const TwoKeys keys;
    for(const auto* const column : {"wrapped_data_key", "encrypted_private_key"}) {
        INFO(column);
        const auto good = keys.get("a", column);
        const auto size = Botan::base64_decode(good).size();
        for(std::size_t at = 0; at < size; at += 7) {
            keys.set("a", column, with_bit_changed(good, at));
            CHECK(keys.backend.check(keys.a)->code() == Errc::malformed_data);
        }
        for(const auto& bad :
            {std::string(), std::string("no base64!"), good.substr(0, 20), good.substr(0, good.size() - 4)}) {
            keys.set("a", column, bad);
            CHECK(keys.code(keys.a) == Errc::malformed_data);
        }
        keys.set("a", column, good);
        CHECK(!keys.backend.check(keys.a));
    }
    CHECK(!keys.backend.check(keys.b));
}

TEST_CASE("rows, and parts of rows, cannot be put in each other's place") {
    const TwoKeys keys;
    SECTION("both ciphertexts") {
        for(const auto* const column : {"wrapped_data_key", "encrypted_private_key"}) {
            keys.set("a", column, keys.get("b", column));
        }
        CHECK(keys.code(keys.a) == Errc::malformed_data);
        CHECK(!keys.backend.check(keys.b));
    }
    SECTION("the private key alone") {
        keys.set("a", "encrypted_private_key", keys.get("b", "encrypted_private_key"));
        CHECK(keys.code(keys.a) == Errc::malformed_data);
    }
    SECTION("the data key in the place of the private key") {
        keys.set("a", "encrypted_private_key", keys.get("a", "wrapped_data_key"));
        CHECK(keys.code(keys.a) == Errc::malformed_data);
    }
    SECTION("labels") {
        execute(keys.path, "update signing_key set label = 'c' where label = 'a'");
        execute(keys.path, "update signing_key set label = 'a' where label = 'b'");
        execute(keys.path, "update signing_key set label = 'b' where label = 'c'");
        CHECK(keys.code(keys.a) == Errc::key_mismatch);
        CHECK(keys.code(keys.b) == Errc::key_mismatch);
        // Whoever believes the listing, and asks for the key it names, gets nothing either.
        for(const auto& key : keys.backend.list()) {
            CHECK(keys.code(key.ref) == Errc::malformed_data);
        }
    }
    SECTION("labels and fingerprints") {
        keys.set("a", "spki_sha256", keys.b.fingerprint().to_string());
        CHECK(keys.code(keys.a) == Errc::key_mismatch);
        CHECK(keys.code(with_fingerprint(keys.a, keys.b.fingerprint())) == Errc::malformed_data);
    }
    SECTION("kind and time") {
        keys.set("a", "created", "2001-01-01T00:00:00Z");
        CHECK(keys.code(keys.a) == Errc::malformed_data);
        keys.set("b", "key_type", "p-384");
        CHECK(keys.code(keys.b) == Errc::key_mismatch);
        CHECK(keys.code(keys.backend.list()[1].ref) == Errc::malformed_data);
    }
    SECTION("a row of another database with the same passphrase") {
        const auto other = opened(keys.folder.path() / "other.db");
        const auto copy = other.store(*keys.backend.use(keys.a), {{"label", "a"}});
        CHECK(copy.fingerprint() == keys.a.fingerprint());
        for(const auto* const column : {"wrapped_data_key", "encrypted_private_key"}) {
            keys.set(
                "a", column,
                answer(keys.folder.path() / "other.db", std::string("select ") + column + " from signing_key"));
        }
        CHECK(keys.code(keys.a) == Errc::malformed_data);
    }
}

TEST_CASE("a listing of a row that is no key names the row") {
    const TwoKeys keys;
    keys.set("b", "key_type", "abacus");
    const auto error = raised([&] { return keys.backend.list(); });
    CHECK(error.code() == Errc::malformed_data);
    CHECK(error.message().find("\"b\"") != std::string::npos);
}

TEST_CASE("the record of the passphrase changed") {
    const TwoKeys keys;
    const auto fresh = [&] { return opened(keys.path).check(keys.a)->code(); };
    SECTION("check value") {
        const auto good = answer(keys.path, "select check_value from key_encryption_key");
        execute(keys.path, "update key_encryption_key set check_value = '" + with_bit_changed(good, 20) + "'");
        CHECK(fresh() == Errc::passphrase_incorrect);
    }
    SECTION("salt") {
        execute(keys.path, "update key_encryption_key set salt = 'AAAAAAAAAAAAAAAAAAAAAA=='");
        CHECK(fresh() == Errc::passphrase_incorrect);
        execute(keys.path, "update key_encryption_key set salt = 'no base64!'");
        CHECK(fresh() == Errc::malformed_data);
        execute(keys.path, "update key_encryption_key set salt = ''");
        CHECK(fresh() != Errc::internal);
    }
    SECTION("cost") {
        const auto changed = [&](const std::string& change) {
            const auto path = keys.folder.path() / "copy.db";
            fs::copy_file(keys.path, path, fs::copy_options::overwrite_existing);
            execute(path, "update key_encryption_key set " + change);
            return opened(path).check(keys.a)->code();
        };
        for(const auto* const change :
            {"argon2_memory_kib = 0", "argon2_memory_kib = -1", "argon2_passes = 0", "argon2_passes = -1",
             "argon2_parallelism = 2"}) {
            INFO(change);
            CHECK(changed(change) == Errc::malformed_data);
        }
        for(const auto* const change :
            {"argon2_memory_kib = 999999999999", "argon2_memory_kib = 1048577", "argon2_passes = 4000000000",
             "argon2_memory_kib = 9223372036854775807, argon2_passes = 2",
             "argon2_memory_kib = 1048576, argon2_passes = 5", "argon2_memory_kib = 4194304, argon2_passes = 100"}) {
            INFO(change);
            CHECK(changed(change) == Errc::unsupported);
        }
        execute(keys.path, "update key_encryption_key set argon2_passes = 2");
        CHECK(fresh() == Errc::passphrase_incorrect);
    }
    SECTION("gone") {
        execute(keys.path, "pragma foreign_keys = off");
        execute(keys.path, "delete from key_encryption_key");
        CHECK(fresh() == Errc::malformed_data);
    }
}

TEST_CASE("options that are wrong are named, and nothing is left behind") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    const auto backend = opened(path);
    const auto code = [&](const OpenedBackend::Texts& options) {
        return raised([&] { return backend.create("ed25519", options); }).code();
    };
    CHECK(code({}) == Errc::invalid_option);
    for(const auto& label : std::vector<std::string>{"", "a\nb", std::string(201, 'a')}) {
        INFO(label);
        CHECK(code({{"label", label}}) == Errc::invalid_option);
    }
    CHECK(code({{"label", "a"}, {"passphrase", "env:UNSET"}}) == Errc::secret_unavailable);
    const Botan::DSA_PrivateKey other_kind(Botan::system_rng(), Botan::DL_Group::from_name("dsa/botan/2048"));
    CHECK(raised([&] { return backend.store(other_kind, {{"label", "a"}}); }).code() == Errc::unsupported);
    const OpenedBackend without(database_backend(), {{"path", path.string()}}, {});
    CHECK(raised([&] {
              return without.create("ed25519", {{"label", "a"}});
          }).code() == Errc::secret_unavailable);
    CHECK(fs::is_empty(folder.path()));

    const auto open_error = [](const OpenedBackend::Texts& settings) {
        return raised([&] { return OpenedBackend(database_backend(), settings, {}); }).code();
    };
    CHECK(open_error({}) == Errc::invalid_option);
    CHECK(open_error({{"path", "a"}, {"argon2-memory-kib", "8191"}}) == Errc::invalid_option);
    CHECK(open_error({{"path", "a"}, {"argon2-memory-kib", "1048577"}}) == Errc::invalid_option);
    CHECK(open_error({{"path", "a"}, {"argon2-passes", "0"}}) == Errc::invalid_option);
    CHECK(open_error({{"path", "a"}, {"argon2-passes", "101"}}) == Errc::invalid_option);
    CHECK(open_error({{"path", "a"}, {"argon2-memory-kib", "1048576"}, {"argon2-passes", "5"}}) ==
          Errc::invalid_option);
    CHECK(open_error({{"path", "a\"b"}}) == Errc::invalid_option);
}

TEST_CASE("a label is taken once, whatever it looks like") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    const auto backend = opened(path);
    const std::vector<std::string> labels{"' or 1=1 --", "../a", "A", "a", "a b", "\xc3\xbc"};
    for(const auto& label : labels) {
        const auto ref = backend.create("ed25519", {{"label", label}}).ref;
        CHECK(!backend.check(KeyRef::parse(ref.to_json())));
        CHECK(raised([&] {
                  return backend.create("ed25519", {{"label", label}});
              }).code() == Errc::already_exists);
        CHECK(raised([&] {
                  return backend.store(*backend.use(ref), {{"label", label}});
              }).code() == Errc::already_exists);
    }
    CHECK(backend.labels() == labels);
    CHECK(answer(path, "select count(*) from signing_key") == std::to_string(labels.size()));
}

TEST_CASE("a wrong passphrase does not add a key, and makes no second record") {
    const TwoKeys keys;
    keys.backend.set_secret("PASS", "incorrect horse");
    CHECK(raised([&] {
              return keys.backend.create("ed25519", {{"label", "c"}});
          }).code() == Errc::passphrase_incorrect);
    CHECK(keys.backend.labels() == std::vector<std::string>{"a", "b"});
    CHECK(answer(keys.path, "select count(*) from key_encryption_key") == "1");
}

TEST_CASE("a disk that is full leaves no row, and the database as it was") {
    const TwoKeys keys;
    {
        const test::FullDisk full(1024);
        CHECK(raised([&] {
                  return keys.backend.create("ed25519", {{"label", "c"}});
              }).code() == Errc::storage_failed);
    }
    CHECK(keys.backend.labels() == std::vector<std::string>{"a", "b"});
    CHECK(!keys.backend.check(keys.a));
    CHECK(answer(keys.path, "pragma integrity_check") == "ok");
    CHECK(!keys.backend.check(keys.backend.create("ed25519", {{"label", "c"}}).ref));
}

TEST_CASE("references without a label, or to another type of backend") {
    const TwoKeys keys;
    const KeyRef none(keys.a.backend(), "database", keys.a.key(), keys.a.fingerprint(), {});
    CHECK(keys.code(none) == Errc::malformed_data);
    const KeyRef other(keys.a.backend(), "file", keys.a.key(), keys.a.fingerprint(), keys.a.locator());
    CHECK(keys.code(other) == Errc::key_mismatch);
}

TEST_CASE("a database open to others") {
    const TwoKeys keys;
    fs::permissions(keys.path, fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_read);
    CHECK(keys.code(keys.a) == Errc::permissions_insecure);
    CHECK(raised([&] { return keys.backend.list(); }).code() == Errc::permissions_insecure);
    CHECK(raised([&] {
              return keys.backend.create("ed25519", {{"label", "c"}});
          }).code() == Errc::permissions_insecure);
}

TEST_CASE("a table that is gone is told as damage, not as a lack of room") {
    const TwoKeys keys;
    execute(keys.path, "drop table signing_key");
    CHECK(keys.code(keys.a) == Errc::malformed_data);
    CHECK(raised([&] { return keys.backend.list(); }).hint().find("room") == std::string::npos);
}

TEST_CASE("too little memory for the passphrase is said, and leaves no database") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    SKIP("a sanitizer takes more memory than the limit that this sets");
#endif
    const TemporaryFolder folder;
    const OpenedBackend backend(database_backend(),
                                {{"path", (folder.path() / "keys.db").string()},
                                 {"passphrase", "env:PASS"},
                                 {"argon2-memory-kib", "1048576"},
                                 {"argon2-passes", "1"}},
                                {{"PASS", "correct horse"}});
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_AS, &before) == 0);
    const rlimit little{512UL * 1024UL * 1024UL, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_AS, &little) == 0);
    const auto error = raised([&] { return backend.create("ed25519", {{"label", "a"}}); });
    REQUIRE(::setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(error.code() == Errc::storage_failed);
    CHECK(error.message().find("not enough memory") != std::string::npos);
    CHECK(fs::is_empty(folder.path()));
}

#ifdef KEYWAY_WITHOUT_POSTGRESQL
TEST_CASE("where PostgreSQL was left out of the build, that is said, and how to get it") {
    const auto error = raised([&] { return OpenedBackend(database_backend(), {{"postgresql", "dbname=x"}}, {}); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.hint().find("-Dpostgresql=enabled") != std::string::npos);
}
#endif
