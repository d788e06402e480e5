// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/database/migrations_internal.hpp>
#include <keyway/database/postgresql_database_internal.hpp>

#include <backends/database/in_processes.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <support/cutting_proxy.hpp>
#include <support/postgresql_server.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

using namespace keyway;
using namespace keyway::database;
using keyway::test::PostgresqlClient;
using keyway::test::PostgresqlServer;
using keyway::test::raised;

namespace {

using namespace std::chrono_literals;

constexpr auto now = "2027-01-15T08:00:00Z";

std::unique_ptr<Database> on(const std::string& connection, std::chrono::milliseconds timeout = 10s) {
    return postgresql_database({.connection = connection + " user=postgres", .connections = 4, .timeout = timeout});
}

bool nothing(Connection&) {
    return true;
}

Connection open_or_make(const Database& database) {
    static_cast<void>(database.make(now, nothing));
    return database.open().value();
}

int insert(Connection& connection, int version) {
    connection.write(Error(Errc::already_exists, "taken"), [&](soci::session& sql) {
        sql << "insert into keyway_schema (version, applied) values (:version, '')", soci::use(version);
    });
    return 0;
}

int count(Connection& connection) {
    return connection.run([](soci::session& sql) {
        int rows = 0;
        sql << "select count(*) from keyway_schema where version < 0", soci::into(rows);
        return rows;
    });
}

}  // namespace

TEST_CASE("the tables are made when they are asked for, in a schema of their own") {
    const auto connection = PostgresqlServer::get().new_database();
    const auto database = on(connection);
    CHECK(!database->open());
    CHECK(PostgresqlClient(connection).answer("select count(*) from pg_tables where schemaname = 'keyway'") == "0");
    CHECK(database->make(now, nothing));
    CHECK(database->open());
    CHECK(PostgresqlClient(connection).rows("select version, applied from keyway.keyway_schema order by version").back() ==
          std::to_string(schema_version) + "|2027-01-15T08:00:00Z");
    CHECK(PostgresqlClient(connection)
              .rows("select tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
                    " order by 1") == std::vector<std::string>{"key_encryption_key", "keyway_schema", "signing_key"});
}

TEST_CASE("a schema that is another program's is left alone; an empty one is filled") {
    const auto connection = PostgresqlServer::get().new_database();
    PostgresqlClient client(connection);
    client.rows("create schema keyway");
    const auto database = on(connection);
    SECTION("of another program") {
        client.rows("create table keyway.notes (text text)");
        CHECK(raised([&] { return database->open().has_value(); }).code() == Errc::malformed_data);
        CHECK(raised([&] { return database->make(now, nothing); }).code() == Errc::malformed_data);
        CHECK(client.rows("select tablename from pg_tables where schemaname = 'keyway'") ==
              std::vector<std::string>{"notes"});
    }
    SECTION("empty") {
        CHECK(!database->open());
        CHECK(database->make(now, nothing));
    }
    SECTION("a table of the same name elsewhere is not taken for ours") {
        client.rows("create table public.keyway_schema (version integer)");
        CHECK(!database->open());
        CHECK(database->make(now, nothing));
        CHECK(client.answer("select count(*) from public.keyway_schema") == "0");
    }
}

TEST_CASE("a database of a newer version, or damaged, is refused") {
    const auto connection = PostgresqlServer::get().new_database();
    const auto database = on(connection);
    static_cast<void>(open_or_make(*database));
    PostgresqlClient client(connection);
    client.rows("insert into keyway.keyway_schema values (99, 'tomorrow')");
    const auto error = raised([&] { return database->open().has_value(); });
    CHECK(error.code() == Errc::unsupported);
    CHECK(error.message().find("has schema version 99") != std::string::npos);
    client.rows("delete from keyway.keyway_schema");  // so that all tables are to be made again
    CHECK(raised([&] { return database->open().has_value(); }).code() == Errc::malformed_data);
}

TEST_CASE("what a server or its user cannot do is told") {
    auto& server = PostgresqlServer::get();
    const auto ascii = on(server.new_database("SQL_ASCII"));
    CHECK(raised([&] { return ascii->open().has_value(); }).code() == Errc::unsupported);

    const auto connection = server.new_database();
    PostgresqlClient client(connection);
    client.rows("drop role if exists reader");
    client.rows("create role reader login");
    const auto reader = postgresql_database({.connection = connection + " user=reader"});
    const auto made = raised([&] { return reader->make(now, nothing); });
    CHECK(made.code() == Errc::storage_failed);
    CHECK(made.message().find("does not let this user") != std::string::npos);

    const auto gone = raised([&] { return on("host=/nowhere dbname=x")->open().has_value(); });
    CHECK(gone.code() == Errc::storage_failed);
    CHECK(gone.message().find("postgresql:host=/nowhere dbname=x") != std::string::npos);
    CHECK(raised([&] { return on(connection + "none")->open().has_value(); }).code() == Errc::storage_failed);
}

TEST_CASE("a password is never in the connection string, and is not repeated") {
    for(const auto* const text : {"host=/tmp password=hunter2", "postgresql://me:hunter2@localhost/db",
                                  "postgresql:///db?password=hunter2", "host=/tmp sslpassword=hunter2",
                                  "host=/tmp pass hunter2", "postgresql://me:hunter2@[::1/db"}) {
        INFO(text);
        const auto error = raised([&] { return postgresql_database({.connection = text}); });
        CHECK(error.code() == Errc::invalid_option);
        CHECK((error.message() + error.hint()).find("hunter2") == std::string::npos);
    }
}

TEST_CASE("the password comes from its source, is tried once, and again when it has been changed") {
    auto& server = PostgresqlServer::get();
    const auto connection = server.new_database();
    std::string password = "wrong";
    int reads = 0;
    const auto database = postgresql_database({.connection = PostgresqlServer::as_guarded(connection), .password = [&] {
                                                   ++reads;
                                                   return Secret(password);
                                               }});
    const auto refused = [&] { return server.count_in_log("password authentication failed"); };
    const auto before = refused();
    const auto error = raised([&] { return database->open().has_value(); });
    CHECK(error.code() == Errc::passphrase_incorrect);
    CHECK(refused() == before + 1);
    CHECK(reads == 1);

    // Not the one in the environment, where a source is named.
    REQUIRE(::setenv("PGPASSWORD", "from the environment", 1) == 0);
    password = PostgresqlServer::guarded_password();
    CHECK(!database->open());
    CHECK(::unsetenv("PGPASSWORD") == 0);
    CHECK(refused() == before + 1);

    PostgresqlClient admin(connection);
    admin.rows("alter role guarded password 'next'");
    password = "next";
    admin.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'guarded'");
    std::this_thread::sleep_for(100ms);
    CHECK(!database->open());
    CHECK(refused() == before + 2);  // the one that was right before
    admin.rows("alter role guarded password 'p:a\\ss''w\xc3\xb6rd '");

    const auto without = postgresql_database({.connection = PostgresqlServer::as_guarded(connection)});
    CHECK(raised([&] { return without->open().has_value(); }).code() == Errc::secret_unavailable);
    password = "two\nlines";
    const auto lines = postgresql_database(
        {.connection = PostgresqlServer::as_guarded(connection), .password = [&] { return Secret(password); }});
    CHECK(raised([&] { return lines->open().has_value(); }).code() == Errc::invalid_argument);
}

TEST_CASE("a server that starts again is found again, also in the middle of a transaction") {
    auto& server = PostgresqlServer::get();
    const auto database = on(server.new_database());
    auto held = open_or_make(*database);
    static_cast<void>(database->open());  // another session, which lies idle
    server.restart();
    CHECK(database->open());
    CHECK(insert(held, -1) == 0);
    int tries = 0;
    held.write(Error(Errc::internal, "violated"), [&](soci::session& sql) {
        sql << "insert into keyway_schema (version, applied) values (-2, '')";
        if(++tries == 1) {
            server.restart();
        }
        sql << "insert into keyway_schema (version, applied) values (-3, '')";
    });
    CHECK(tries == 2);
    CHECK(count(held) == 3);
    server.kill();
    CHECK(raised([&] { return count(held); }).code() == Errc::storage_failed);
    server.start();
    CHECK(count(held) == 3);
}

TEST_CASE("a server that stands still is given up in time") {
    auto& server = PostgresqlServer::get();
    const auto database = on(server.new_database(), 1s);
    auto connection = open_or_make(*database);
    server.signal_all(SIGSTOP);
    const auto start = std::chrono::steady_clock::now();
    const auto run = raised([&] { return count(connection); });
    const auto opened = raised([&] { return database->open().has_value(); });
    const auto took = std::chrono::steady_clock::now() - start;
    server.signal_all(SIGCONT);
    CHECK(run.code() == Errc::timed_out);
    CHECK(opened.code() == Errc::timed_out);
    CHECK(took > 2s);
    CHECK(took < 7s);  // 1 s and its grace of 1 s; libpq waits for 2 s at least for a connection
    CHECK(count(connection) == 0);
}

TEST_CASE("who holds a row is waited for, but not for ever", "[threads]") {
    const auto connection = PostgresqlServer::get().new_database();
    const auto database = on(connection, 1s);
    auto ours = open_or_make(*database);
    PostgresqlClient other(connection);
    other.rows("begin");
    other.rows("insert into keyway.keyway_schema values (-1, '')");
    CHECK(raised([&] { return insert(ours, -1); }).code() == Errc::timed_out);
    std::jthread soon([&] {
        std::this_thread::sleep_for(300ms);
        other.rows("commit");
    });
    CHECK(raised([&] { return insert(ours, -1); }).code() == Errc::already_exists);
    CHECK(insert(ours, -2) == 0);
}

TEST_CASE("no more sessions are opened than allowed, and they are used again", "[threads]") {
    const auto connection = PostgresqlServer::get().new_database();
    const auto database = postgresql_database({.connection = connection + " user=postgres", .connections = 2, .timeout = 500ms});
    PostgresqlClient client(connection);
    const auto sessions = [&] {
        return client.rows("select pid from pg_stat_activity where datname = current_database() and"
                           " application_name = 'keyway' order by 1");
    };
    static_cast<void>(database->make(now, nothing));
    std::vector<std::string> first;
    {
        auto one = database->open();
        const auto two = database->open();
        first = sessions();
        CHECK(first.size() == 2);
        CHECK(raised([&] { return database->open().has_value(); }).code() == Errc::timed_out);
        std::jthread soon([&] {
            std::this_thread::sleep_for(100ms);
            one.reset();
        });
        CHECK(database->open());
    }
    for(int i = 0; i < 10; ++i) {
        CHECK(database->open());
    }
    CHECK(sessions() == first);
}

TEST_CASE("what is asked each time is prepared once in a session, and again in a new one or after an error") {
    const auto place = PostgresqlServer::get().new_database();
    const auto database = postgresql_database({.connection = place + " user=postgres", .connections = 1});
    static_cast<void>(database->make(now, nothing));
    const auto prepared = [&] {
        return database->open().value().run([](soci::session& sql) {
            std::string all;
            sql << "select pg_backend_pid() || ' ' || (select string_agg(name || ' ' || left(statement, 20), ', ' order by name)"
                   " from pg_prepared_statements)",
                soci::into(all);
            return all;
        });
    };
    const auto in_first = prepared();
    INFO(in_first);
    CHECK(std::ranges::count(in_first, ',') == 1);
    CHECK(prepared() == in_first);
    PostgresqlClient other(place);
    other.rows("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
    const auto in_second = prepared();
    CHECK(in_second != in_first);
    CHECK(in_second.substr(in_second.find(' ')) == in_first.substr(in_first.find(' ')));

    other.rows("alter table keyway.keyway_schema rename column version to v");
    CHECK(raised([&] { return prepared(); }).code() == Errc::malformed_data);
    other.rows("alter table keyway.keyway_schema rename column v to version");
    const auto after_error = prepared();
    CHECK(std::ranges::count(after_error, ',') == 1);
    CHECK(after_error.substr(0, after_error.find(' ')) == in_second.substr(0, in_second.find(' ')));
}

TEST_CASE("a process that comes of a fork has sessions of its own") {
#if defined(__SANITIZE_THREAD__)
    SKIP("the thread sanitizer lets no child of a fork start threads");
#endif
    const auto database = on(PostgresqlServer::get().new_database());
    auto held = open_or_make(*database);
    static_cast<void>(database->open());  // idle
    CHECK(insert(held, -1) == 0);
    const auto statuses = test::in_processes(3, [&](int number) {
        auto own = database->open().value();
        return count(own) >= 1 && insert(own, -10 - number) == 0;
    });
    CHECK(statuses == std::vector<int>{0, 0, 0});
    CHECK(count(held) == 4);
    CHECK(database->open());
}

TEST_CASE("processes that bring up a database of an older version at once do it once, with its rows") {
    const auto connection = PostgresqlServer::get().new_database();
    static_cast<void>(on(connection)->make(now, nothing));
    PostgresqlClient client(connection);
    client.rows("insert into keyway.key_encryption_key (id, active, kind, argon2_memory_kib, argon2_passes, argon2_parallelism,"
                " salt, check_value, created) values ('id', 1, 'passphrase', 1, 1, 1, 'salt', 'check', 'then')");
    // Back to version 1.
    for(const auto* const column : {"sealed_for_active", "wrapped_by", "wrap_mechanism", "wrapped_key", "wrap_signature"}) {
        client.rows(std::string("alter table keyway.key_encryption_key drop column ") + column);
    }
    client.rows("drop index keyway.signing_key_by_key_encryption_key");
    client.rows("delete from keyway.keyway_schema where version > 1");
    CHECK(on(connection)->open()->schema() == 1);  // a reader leaves it as it is
    CHECK(client.answer("select max(version) from keyway.keyway_schema") == "1");
    CHECK(test::in_processes(6, [&](int) { return on(connection)->open_to_change(now).has_value(); }) ==
          std::vector<int>(6, 0));
    CHECK(client.rows("select version from keyway.keyway_schema order by version") == std::vector<std::string>{"1", "2", "3"});
    CHECK(client.answer("select salt from keyway.key_encryption_key where sealed_for_active is null") == "salt");
}

TEST_CASE("processes that make or bring up the same database at once all use the same one") {
    const auto connection = PostgresqlServer::get().new_database();
    const auto statuses = test::in_processes(6, [&](int number) {
        const auto database = on(connection);
        auto own = open_or_make(*database);
        return insert(own, -1 - number) == 0;
    });
    CHECK(statuses == std::vector<int>(6, 0));
    CHECK(PostgresqlClient(connection).answer("select count(*) from keyway.keyway_schema where version < 0") == "6");
    CHECK(PostgresqlClient(connection).answer("select count(*) from keyway.keyway_schema where version > 0") ==
          std::to_string(schema_version));
}

TEST_CASE("what became of a lost commit is looked for again when something is in the way, and else said to be unknown") {
    auto& server = PostgresqlServer::get();
    const auto direct = server.new_database() + " user=postgres";
    const test::TemporaryFolder folder;
    test::CuttingProxy proxy(server.folder(), folder.path());
    const auto database = postgresql_database(
        {.connection = "host=" + folder.path().string() + " " + direct.substr(direct.find("dbname=")), .timeout = 1s});
    auto connection = open_or_make(*database);
    const bool is_found_late = GENERATE(true, false);
    PostgresqlClient other(direct);
    int tries = 0;
    int looks = 0;
    const auto work = [&](soci::session& sql) {
        if(++tries == 2) {
            other.rows("begin");
            other.rows("lock table keyway.keyway_schema in share mode");
        }
        sql << "insert into keyway_schema (version, applied) values (:version, '')", soci::use(-tries);
        return tries;
    };
    const auto settle = [&](soci::session&) { return ++looks > 1 && is_found_late ? std::optional(17) : std::nullopt; };
    proxy.cut_next(test::CuttingProxy::Cut::after_commit);
    if(is_found_late) {
        CHECK(connection.write(Error(Errc::internal, "violated"), work, settle) == 17);
    } else {
        const auto error = raised([&] { return connection.write(Error(Errc::internal, "violated"), work, settle); });
        CHECK(error.code() == Errc::outcome_unknown);
        CHECK(error.hint().find("list, check") != std::string::npos);
    }
    CHECK(tries == 2);
    CHECK(looks == 2);
    other.rows("rollback");
    CHECK(count(connection) == 1);
}

TEST_CASE("an answer to a commit that is an error is that error, and no outcome that nobody knows") {
    const auto connection = PostgresqlServer::get().new_database();
    const auto database = on(connection);
    auto ours = open_or_make(*database);
    PostgresqlClient client(connection);
    client.rows("create function keyway.refuse() returns trigger language plpgsql as"
                " $$ begin raise exception 'no' using errcode = '53100'; end $$");
    client.rows("create constraint trigger late after insert on keyway.keyway_schema deferrable initially deferred"
                " for each row execute function keyway.refuse()");
    CHECK(raised([&] { return insert(ours, -1); }).code() == Errc::storage_failed);
    CHECK(count(ours) == 0);
}
