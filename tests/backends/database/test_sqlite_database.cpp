// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/database/migrations_internal.hpp>
#include <keyway/database/sqlite_database_internal.hpp>

#include <backends/database/sqlite_file.hpp>
#include <backends/file/full_disk.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <atomic>
#include <fstream>
#include <optional>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace keyway;
using keyway::database::Connection;
using keyway::database::SqliteDatabase;
using keyway::test::answer;
using keyway::test::execute;
using keyway::test::raised;
using keyway::test::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

constexpr auto now = "2027-01-15T08:00:00Z";

Error on_open(const fs::path& path) {
    return raised([&] { return SqliteDatabase(path).open().has_value(); });
}

void make(const fs::path& path) {
    static_cast<void>(SqliteDatabase(path).make(now, [](Connection&) { return true; }));
}

Connection open_or_make(const fs::path& path) {
    make(path);
    return SqliteDatabase(path).open().value();
}

std::vector<std::string> files_in(const fs::path& folder) {
    std::vector<std::string> names;
    for(const auto& entry : fs::directory_iterator(folder)) {
        names.push_back(entry.path().filename().string());
    }
    return names;
}

std::string pragma(Connection& connection, const std::string& name) {
    return connection.run([&](soci::session& sql) {
        std::string value;
        sql << "pragma " + name, soci::into(value);
        return value;
    });
}

}  // namespace

TEST_CASE("a database is made when it is asked for, for its owner only, and nothing else is left") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    CHECK(!SqliteDatabase(path).open());
    CHECK(files_in(folder.path()).empty());
    make(path);
    CHECK(files_in(folder.path()) == std::vector<std::string>{"keys.db"});
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777U) == 0600);
    CHECK(answer(path, "select max(version || ' ' || applied) from keyway_schema") == std::to_string(database::schema_version) + " 2027-01-15T08:00:00Z");
    CHECK(SqliteDatabase(path).open());
}

TEST_CASE("connections keep what was written over a power failure, and wipe what was deleted") {
    const TemporaryFolder folder;
    auto connection = open_or_make(folder.path() / "keys.db");
    CHECK(pragma(connection, "journal_mode") == "wal");
    CHECK(pragma(connection, "synchronous") == "2");  // FULL
    CHECK(pragma(connection, "foreign_keys") == "1");
    CHECK(pragma(connection, "secure_delete") == "1");
    CHECK(pragma(connection, "temp_store") == "2");  // memory
    for(const auto& name : files_in(folder.path())) {
        INFO(name);
        struct stat info {};
        REQUIRE(::stat((folder.path() / name).c_str(), &info) == 0);
        CHECK((info.st_mode & 07777U) == 0600);
    }
}

TEST_CASE("files that are no database of Keyway's are left alone") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    SECTION("empty") {
        std::ofstream(path).close();
    }
    SECTION("text") {
        std::ofstream(path) << std::string(5000, 'x');
    }
    SECTION("another program's database") {
        execute(path, "create table notes (text text)");
    }
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    const auto before = test::bytes_of_database(folder.path());
    CHECK(on_open(path).code() == Errc::malformed_data);
    CHECK(!SqliteDatabase(path).make(now, [](Connection&) { return true; }));
    CHECK(test::bytes_of_database(folder.path()) == before);
}

TEST_CASE("a database of a newer version is refused, and says so") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    make(path);
    execute(path, "insert into keyway_schema (version, applied) values (4, 'tomorrow')");
    const auto error = on_open(path);
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message() == "the database \"" + path.string() +
                                 "\" has schema version 4, but this program knows versions up to 3");
    execute(path, "update keyway_schema set version = 99999999999 where version = 4");
    CHECK(on_open(path).message().find("schema version 99999999999,") != std::string::npos);
}

TEST_CASE("a database of an older version is read as it is, and brought up by the first change, with its rows") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    make(path);
    execute(path, "insert into key_encryption_key (id, active, kind, argon2_memory_kib, argon2_passes, argon2_parallelism, salt,"
                  " check_value, created) values ('id', 1, 'passphrase', 1, 1, 1, 'salt', 'check', 'then')");
    execute(path, "drop index signing_key_by_key_encryption_key");
    for(const auto* const column : {"sealed_for_active", "wrapped_by", "wrap_mechanism", "wrapped_key", "wrap_signature"}) {
        execute(path, std::string("alter table key_encryption_key drop column ") + column);
    }
    execute(path, "delete from keyway_schema where version > 1");
    const auto before = test::bytes_of_database(folder.path());
    CHECK(SqliteDatabase(path).open()->schema() == 1);
    CHECK(test::bytes_of_database(folder.path()) == before);
    CHECK(SqliteDatabase(path).open_to_change(now)->schema() == database::schema_version);
    CHECK(answer(path, "select max(version) from keyway_schema") == std::to_string(database::schema_version));
    CHECK(answer(path, "select salt from key_encryption_key where sealed_for_active is null") == "salt");
}

TEST_CASE("a database without its tables is told as damaged") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    make(path);
    execute(path, "delete from keyway_schema");  // so that all tables are to be made again
    const auto error = on_open(path);
    CHECK(error.code() == Errc::malformed_data);
    CHECK(error.hint().find("copy") != std::string::npos);
}

TEST_CASE("a database whose first rows cannot be added is not made") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    const auto failing = [](Connection&) -> bool { throw Error(Errc::timed_out, "stop"); };
    CHECK(raised([&] { return SqliteDatabase(path).make(now, failing); }).code() == Errc::timed_out);
    CHECK(files_in(folder.path()).empty());
    CHECK(!SqliteDatabase(path).make(now, [](Connection&) { return false; }));
    CHECK(files_in(folder.path()).empty());
    CHECK(SqliteDatabase(path).make(now, [](Connection&) { return true; }));
    CHECK(!SqliteDatabase(path).make(now, [](Connection&) { return true; }));
}

TEST_CASE("a database in a folder that others can write is refused, and not made") {
    const TemporaryFolder folder;
    const auto inner = folder.path() / "inner";
    fs::create_directory(inner);
    const auto path = inner / "keys.db";
    make(path);
    const auto other_group = ::geteuid() == 0 ? 12345U : ::getegid();
    for(const mode_t mode : {0702U, 01777U, 0777U, 0770U}) {
        INFO(std::oct << mode);
        if(mode == 0770U) {
            if(other_group == ::geteuid()) {
                WARN("the group of this user has its number; a folder of another group is not tried");
                continue;
            }
            REQUIRE(::chown(inner.c_str(), ::geteuid(), other_group) == 0);
        }
        REQUIRE(::chmod(inner.c_str(), mode) == 0);
        CHECK(on_open(path).code() == Errc::permissions_insecure);
        CHECK(raised([&] { return make(inner / "new.db"), 0; }).code() == Errc::permissions_insecure);
    }
    REQUIRE(::chmod(inner.c_str(), 0755) == 0);
    CHECK(SqliteDatabase(path).open());
    CHECK(files_in(inner) == std::vector<std::string>{"keys.db"});
    if(::geteuid() == 0) {
        REQUIRE(::chown(inner.c_str(), 65534, 65534) == 0);
        CHECK(on_open(path).code() == Errc::permissions_insecure);
    }
}

TEST_CASE("the files beside a database are as private as the database, and none is taken over") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    make(path);
    for(const auto* const suffix : {"-wal", "-shm", "-journal"}) {
        INFO(suffix);
        const fs::path beside = path.string() + suffix;
        std::ofstream(beside) << "x";
        fs::permissions(beside, fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_write);
        CHECK(on_open(path).code() == Errc::permissions_insecure);
        if(::geteuid() == 0) {
            fs::permissions(beside, fs::perms::owner_read | fs::perms::owner_write);
            REQUIRE(::chown(beside.c_str(), 65534, 65534) == 0);
            CHECK(on_open(path).code() == Errc::permissions_insecure);
        }
        fs::remove(beside);
        fs::create_symlink(path, beside);
        CHECK(on_open(path).code() == Errc::permissions_insecure);
        fs::remove(beside);
        fs::create_directory(beside);
        CHECK(on_open(path).code() == Errc::malformed_data);
        fs::remove(beside);

        const fs::path left = (folder.path() / "gone.db").string() + suffix;
        std::ofstream(left) << "x";
        CHECK(raised([&] { return make(folder.path() / "gone.db"), 0; }).code() == Errc::already_exists);
        CHECK(fs::exists(left));
        fs::remove(left);
    }
    CHECK(SqliteDatabase(path).open());
    CHECK(files_in(folder.path()) == std::vector<std::string>{"keys.db"});
}

TEST_CASE("a database in a folder that cannot be written is read, not changed") {
    const TemporaryFolder folder;
    const auto inner = folder.path() / "100% read?only#1";
    fs::create_directory(inner);
    const auto path = inner / "keys.db";
    make(path);
    // Root may write whatever the mode of the folder says, so another user does this.
    const bool is_root = ::geteuid() == 0;
    constexpr uid_t nobody = 65534;
    if(is_root) {
        REQUIRE(::chown(folder.path().c_str(), nobody, nobody) == 0);
        REQUIRE(::chown(inner.c_str(), nobody, nobody) == 0);
        REQUIRE(::chown(path.c_str(), nobody, nobody) == 0);
        REQUIRE(::seteuid(nobody) == 0);
    }
    REQUIRE(::chmod(inner.c_str(), 0500) == 0);
    std::string read;
    std::optional<Error> on_write;
    std::optional<Error> on_log;
    try {
        auto connection = SqliteDatabase(path).open();
        connection->run([&](soci::session& sql) { sql << "select applied from keyway_schema", soci::into(read); });
        try {
            connection->write(Error(Errc::internal, "violated"), [](soci::session& sql) {
                sql << "insert into keyway_schema (version, applied) values (-1, '')";
            });
        } catch(const Error& error) {
            on_write = error;
        }
    } catch(const Error& error) {
        UNSCOPED_INFO(error.what());
    }
    CHECK(::chmod(inner.c_str(), 0700) == 0);
    std::ofstream(path.string() + "-wal") << "changes";
    CHECK(::chmod((path.string() + "-wal").c_str(), 0600) == 0);
    CHECK(::chmod(inner.c_str(), 0500) == 0);
    try {
        static_cast<void>(SqliteDatabase(path).open());
    } catch(const Error& error) {
        on_log = error;
    }
    CHECK(::chmod(inner.c_str(), 0700) == 0);
    if(is_root) {
        REQUIRE(::seteuid(0) == 0);
    }
    CHECK(read == now);
    REQUIRE(on_write);
    CHECK(on_write->code() == Errc::storage_failed);
    CHECK(on_write->hint().find("not added or removed") != std::string::npos);
    REQUIRE(on_log);
    CHECK(on_log->code() == Errc::storage_failed);
    CHECK(on_log->message().find("keys.db-wal") != std::string::npos);
}

TEST_CASE("a database open to others, of another user, or behind a link is refused") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    make(path);
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
    CHECK(on_open(path).code() == Errc::permissions_insecure);
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    fs::create_symlink(path, folder.path() / "link.db");
    CHECK(on_open(folder.path() / "link.db").code() == Errc::permissions_insecure);
    fs::create_directory(folder.path() / "folder.db");
    CHECK(on_open(folder.path() / "folder.db").code() == Errc::malformed_data);
    if(::geteuid() == 0) {
        REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
        CHECK(on_open(path).code() == Errc::permissions_insecure);
    }
}

TEST_CASE("paths that SQLite could take for something else") {
    const TemporaryFolder folder;
    for(const auto* const name :
        {"with space.db", "with  two spaces.db", "a=b.db", "file:x.db", "a?mode=ro", "\xc3\xbc.db", "a'b.db"}) {
        INFO(name);
        const auto path = folder.path() / name;
        make(path);
        CHECK(fs::exists(path));
        CHECK(SqliteDatabase(path).open());
    }
    CHECK(files_in(folder.path()).size() == 7);
    CHECK(raised([&] { return SqliteDatabase(folder.path() / "a\"b.db"); }).code() == Errc::invalid_option);
    CHECK(raised([&] { return make(folder.path() / "missing/keys.db"), 0; }).code() == Errc::storage_failed);
}

TEST_CASE("many who make the same database at once all use the same one", "[threads]") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    std::atomic<int> failed = 0;
    {
        std::vector<std::jthread> threads;
        for(int i = 0; i < 8; ++i) {
            threads.emplace_back([&, i] {
                try {
                    auto connection = open_or_make(path);
                    connection.write(Error(Errc::internal, "violated"), [&](soci::session& sql) {
                        sql << "insert into keyway_schema (version, applied) values (:version, '')",
                            soci::use(-i - 1);
                    });
                } catch(const Error&) {
                    ++failed;
                }
            });
        }
    }
    CHECK(failed == 0);
    CHECK(answer(path, "select count(*) from keyway_schema where version < 0") == "8");
    CHECK(files_in(folder.path()) == std::vector<std::string>{"keys.db"});
}

TEST_CASE("a transaction is done whole or not at all, and errors keep their meaning") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    auto connection = open_or_make(path);
    const auto insert = [&](int version) {
        connection.write(Error(Errc::already_exists, "taken"), [&](soci::session& sql) {
            sql << "insert into keyway_schema (version, applied) values (-1, '')";
            sql << "insert into keyway_schema (version, applied) values (:version, '')", soci::use(version);
        });
        return 0;
    };
    CHECK(raised([&] { return insert(1); }).code() == Errc::already_exists);
    CHECK(answer(path, "select count(*) from keyway_schema where version < 0") == "0");
    CHECK(insert(-2) == 0);
    CHECK(answer(path, "select count(*) from keyway_schema where version < 0") == "2");

    const auto wrong = raised([&] {
        return connection.run([](soci::session& sql) {
            const std::string value = "value-of-the-statement";
            sql << "insert into no_such_table values (:value)", soci::use(value);
            return 0;
        });
    });
    CHECK(wrong.code() == Errc::malformed_data);
    CHECK(wrong.message().find("no_such_table") != std::string::npos);
    CHECK(wrong.message().find("value-of-the-statement") == std::string::npos);
}

TEST_CASE("who holds the database is waited for, but not for ever", "[threads]") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    make(path);
    auto holder = test::open_sqlite(path);
    holder << "begin immediate";
    const auto insert = [&](std::chrono::seconds patience) {
        auto connection = SqliteDatabase(path, patience).open();
        connection->write(Error(Errc::internal, "violated"), [](soci::session& sql) {
            sql << "insert into keyway_schema (version, applied) values (-1, '')";
        });
        return 0;
    };
    CHECK(raised([&] { return insert(std::chrono::seconds(1)); }).code() == Errc::timed_out);
    std::jthread soon([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        holder << "commit";
    });
    CHECK(insert(std::chrono::seconds(10)) == 0);
}

TEST_CASE("a disk that is full leaves no database") {
    const TemporaryFolder folder;
    const test::FullDisk full(4096);
    CHECK(raised([&] { return make(folder.path() / "keys.db"), 0; }).code() == Errc::storage_failed);
    CHECK(files_in(folder.path()).empty());
}

TEST_CASE("a file damaged in the middle is told as such") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "keys.db";
    make(path);
    {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(100);
        file << std::string(4000, 'x');
    }
    CHECK(on_open(path).code() == Errc::malformed_data);
    fs::resize_file(path, 1000);
    CHECK(on_open(path).code() == Errc::malformed_data);
}
