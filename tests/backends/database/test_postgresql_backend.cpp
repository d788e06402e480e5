// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/database_backend.hpp>
#include <keyway/backends/database/rewrap_internal.hpp>
#include <keyway/database/postgresql_database_internal.hpp>
#include <keyway/key/store_checker.hpp>

#include <botan/pk_keys.h>

#include <backends/database/wrapping_support.hpp>
#include <backends/file/opened_backend.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/cutting_proxy.hpp>
#include <support/postgresql_server.hpp>
#include <support/raises.hpp>

using namespace keyway;
using keyway::test::CuttingProxy;
using keyway::test::OpenedBackend;
using keyway::test::PostgresqlClient;
using keyway::test::PostgresqlServer;
using keyway::test::raised;

namespace {

OpenedBackend opened(const std::string& connection) {
    return {database_backend(),
            {{"postgresql", connection}, {"passphrase", "env:PASS"}, {"argon2-memory-kib", "8192"},
             {"argon2-passes", "1"}, {"timeout", "2"}},
            {{"PASS", "correct horse"}}};
}

/// A new database, and how it is reached through a proxy.
struct Proxied {
    PostgresqlServer& server = PostgresqlServer::get();
    std::string direct = server.new_database() + " user=postgres";
    test::TemporaryFolder folder;
    CuttingProxy proxy{server.folder(), folder.path()};
    std::string through =
        "host=" + folder.path().string() + " " + direct.substr(direct.find("dbname="));
    PostgresqlClient client{direct};

    std::vector<std::string> labels() { return client.rows("select label from keyway.signing_key order by label"); }
};

}  // namespace

TEST_CASE("a connection lost while a key is committed: the key is there once, and is the one answered") {
    Proxied place;
    const auto backend = opened(place.through);
    const auto first = backend.create("ed25519", {{"label", "first"}}).ref;
    int cuts = 0;
    for(const auto cut : {CuttingProxy::Cut::before_commit, CuttingProxy::Cut::after_commit}) {
        const auto label = cut == CuttingProxy::Cut::before_commit ? "before" : "late";
        INFO(label);
        place.proxy.cut_next(cut);
        const auto created = backend.create("ed25519", {{"label", label}});
        CHECK(place.proxy.cuts() == ++cuts);
        CHECK(SpkiFingerprint::of(*backend.use(created.ref)) == SpkiFingerprint::of(*created.public_key));
        // The name of another key is still refused, when that is found out late.
        place.proxy.cut_next(cut);
        backend.remove(created.ref);
        CHECK(place.proxy.cuts() == ++cuts);
        CHECK(place.labels() == std::vector<std::string>{"first"});
    }
    CHECK(!backend.check(first));
}

TEST_CASE("the first key of a database, too, is made once when its commit is lost") {
    for(const auto cut : {CuttingProxy::Cut::before_commit, CuttingProxy::Cut::after_commit}) {
        Proxied place;
        const auto backend = opened(place.through);
        place.proxy.cut_next(cut);  // the making of the tables
        const auto created = backend.create("ed25519", {{"label", "a"}});
        CHECK(place.proxy.cuts() == 1);
        CHECK(!backend.check(created.ref));
        CHECK(place.client.answer("select count(*) from keyway.key_encryption_key") == "1");
    }
}

TEST_CASE("where nobody can find out what became of a commit, that is said") {
    Proxied place;
    const auto backend = opened(place.through);
    static_cast<void>(backend.create("ed25519", {{"label", "first"}}));
    place.proxy.cut_next(CuttingProxy::Cut::after_commit, false);
    const auto error = raised([&] { return backend.create("ed25519", {{"label", "lost"}}); });
    CHECK(error.code() == Errc::outcome_unknown);
    CHECK(error.message().find("nobody knows") != std::string::npos);
    CHECK(error.hint().find("list") != std::string::npos);
    CHECK(place.labels() == std::vector<std::string>{"first", "lost"});
    CHECK(!opened(place.direct).list().empty());
}

TEST_CASE("a rewrap whose answer is lost, at its beginning or at its end, is told as what it is: done") {
    for(const auto cut : {CuttingProxy::Cut::before_commit, CuttingProxy::Cut::after_commit}) {
        for(const bool at_the_end : {false, true}) {
            INFO(at_the_end);
            Proxied place;
            const auto backend = opened(place.through);
            const auto first = backend.create("ed25519", {{"label", "a"}}).ref;
            const auto second = backend.create("ed25519", {{"label", "b"}}).ref;
            RewrapRequest request{.new_passphrase = Secret("next"), .batch = 50};
            if(at_the_end) {
                request.progress = [&](const RewrapProgress&) { place.proxy.cut_next(cut); };
            } else {
                place.proxy.cut_next(cut);
            }
            const auto result = test::rewrap(backend, request);
            CHECK(place.proxy.cuts() == 1);
            CHECK(result.rewrapped == 2);
            CHECK(place.client.answer("select count(*) from keyway.key_encryption_key") == "1");
            const OpenedBackend after(database_backend(), {{"postgresql", place.direct}, {"passphrase", "env:PASS"}}, {{"PASS", "next"}});
            CHECK(!after.check(first));
            CHECK(!after.check(second));
        }
    }
}

TEST_CASE("settings that do not fit together are refused") {
    const auto with = [](OpenedBackend::Texts settings) {
        return raised([&] { return OpenedBackend(database_backend(), settings, {}); });
    };
    CHECK(with({}).message() == "the backend \"store\" has no \"path\" and no \"postgresql\"");
    CHECK(with({{"path", "/tmp/x"}, {"postgresql", "dbname=x"}}).code() == Errc::invalid_option);
    CHECK(with({{"path", "/tmp/x"}, {"database-password", "env:X"}}).code() == Errc::invalid_option);
    CHECK(with({{"postgresql", "dbname=x"}, {"connections", "0"}}).code() == Errc::invalid_option);
    CHECK(with({{"postgresql", "dbname=x"}, {"timeout", "0"}}).code() == Errc::invalid_option);
    const auto secret = with({{"postgresql", "dbname=x password=hunter2"}});
    CHECK(secret.code() == Errc::invalid_option);
    CHECK(secret.hint().find("database-password") != std::string::npos);
}

TEST_CASE("the server's password and the passphrase are two things") {
    const auto connection = PostgresqlServer::as_guarded(PostgresqlServer::get().new_database());
    const OpenedBackend backend(database_backend(),
                                {{"postgresql", connection}, {"database-password", "env:DOOR"}, {"passphrase", "env:PASS"},
                                 {"argon2-memory-kib", "8192"}, {"argon2-passes", "1"}},
                                {{"PASS", "correct horse"}, {"DOOR", PostgresqlServer::guarded_password()}});
    const auto ref = backend.create("p-256", {{"label", "a"}}).ref;
    CHECK(!backend.check(ref));
    CHECK(ref.to_string().find("host") == std::string::npos);
    const OpenedBackend wrong(database_backend(),
                              {{"postgresql", connection}, {"database-password", "env:DOOR"}},
                              {{"DOOR", "wrong"}});
    const auto error = raised([&] { return wrong.list(); });
    CHECK(error.code() == Errc::passphrase_incorrect);
    CHECK(error.message().find("server") != std::string::npos);
}

TEST_CASE("a server's user who may not add keys, or only read, has no database that can be written") {
    const auto connection = PostgresqlServer::get().new_database();
    PostgresqlClient client(connection);
    const auto owner = opened(connection + " user=postgres");
    const auto ref = owner.create("ed25519", {{"label", "a"}}).ref;
    const auto writable = [](const OpenedBackend& backend) {
        const auto error = dynamic_cast<const StoreChecker&>(*backend.operator->()).check_writable({});
        return error ? error->message() : "ok";
    };
    CHECK(writable(owner) == "ok");
    client.rows("drop role if exists checker");
    client.rows("create role checker login");
    client.rows("grant usage on schema keyway to checker");
    client.rows("grant select, update, delete on all tables in schema keyway to checker");
    const auto checker = opened(connection + " user=checker");
    CHECK(writable(checker).find("does not let this user do that") != std::string::npos);
    client.rows("grant insert on keyway.signing_key to checker");
    CHECK(writable(checker) == "ok");
    CHECK(!checker.check(checker.create("ed25519", {{"label", "b"}}).ref));
    client.rows("revoke delete on keyway.signing_key from checker");
    CHECK(writable(checker).find("does not let this user do that") != std::string::npos);
    client.rows("alter role checker set default_transaction_read_only = on");
    const auto again = opened(connection + " user=checker");
    CHECK(!again.check(ref));
    CHECK(writable(again).find("can only be read") != std::string::npos);
    CHECK(raised([&] { return again.create("ed25519", {{"label", "c"}}); }).code() == Errc::storage_failed);
    CHECK(owner.labels() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a rotation that this process has begun, and did not hear of, is its own") {
    const auto connection = PostgresqlServer::get().new_database();
    static_cast<void>(opened(connection + " user=postgres").create("ed25519", {{"label", "a"}}));
    const auto database = database::postgresql_database({.connection = connection + " user=postgres"});
    auto session = database->open().value();
    const Argon2Cost cost{.memory_kib = 8192, .passes = 1};
    const auto to = [&](const std::string& passphrase) {
        return new_key_encryption_key(cost, Secret(passphrase), database->name());
    };
    const auto active = find_key_encryption_keys(session).active.value();
    const Rotation ours{{active, Botan::secure_vector<std::uint8_t>(32)}, to("new")};
    CHECK(begin_rotation(session, ours, "now"));
    CHECK(begin_rotation(session, ours, "now"));
    CHECK(!begin_rotation(session, {ours.old_key, to("of others")}, "now"));
}
