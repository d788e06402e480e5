// SPDX-License-Identifier: BSD-2-Clause
// Databases that an earlier version made: read as they are, and brought up by the first change.
#include <keyway/database/migrations_internal.hpp>
#include <keyway/key/key_rewrapper.hpp>
#include <keyway/key/store_checker.hpp>

#include <backends/database/earlier_schema.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <support/another_user.hpp>
#include <support/raises.hpp>

#include <sys/stat.h>

using namespace keyway;
using keyway::test::DatabasePlace;
using keyway::test::make_earlier;
using keyway::test::OpenedBackend;
using keyway::test::raised;

namespace {

std::string version_of(const DatabasePlace& place) {
    return place.answer("select max(version) from keyway_schema");
}

std::string writable(const OpenedBackend& backend) {
    const auto error = dynamic_cast<const StoreChecker&>(*backend.operator->()).check_writable({});
    return error ? std::string(to_string(error->code())) : "ok";
}

const auto newest = std::to_string(database::schema_version);

}  // namespace

TEST_CASE("a database of an earlier version is used, listed, checked and rehearsed upon without a change") {
    const DatabasePlace place;
    const auto ref = place.opened().create("p-256", {{"label", "a"}}).ref;
    const int version = GENERATE(range(1, database::schema_version));
    make_earlier(place, version);
    const auto backend = place.opened();
    CHECK(SpkiFingerprint::of(*backend.use(ref)) == ref.fingerprint());
    CHECK(!backend.check(ref));
    CHECK(backend.labels() == std::vector<std::string>{"a"});
    CHECK(writable(backend) == "ok");
    const auto& plan = dynamic_cast<const KeyRewrapper&>(*backend.operator->());
    CHECK(plan.keys_to_rewrap({}, backend.options(Phase::use, {})) == 1);
    CHECK(version_of(place) == std::to_string(version));

    static_cast<void>(backend.create("p-256", {{"label", "b"}}));
    CHECK(version_of(place) == newest);
    CHECK(!backend.check(ref));
    CHECK(place.opened().labels() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a rewrap brings a database of an earlier version up") {
    const DatabasePlace place;
    const auto ref = place.opened().create("p-256", {{"label", "a"}}).ref;
    make_earlier(place, GENERATE(range(1, database::schema_version)));
    const auto backend = place.opened();
    CHECK(dynamic_cast<KeyRewrapper&>(*backend.operator->())
              .rewrap({.new_passphrase = Secret("battery staple")}, backend.options(Phase::use, {}))
              .rewrapped == 1);
    CHECK(version_of(place) == newest);
    CHECK(!place.opened("battery staple").check(ref));
}

#ifdef KEYWAY_ON_POSTGRESQL
TEST_CASE("a user who may add rows but not change tables uses an earlier database, and is told who can bring it up") {
    const DatabasePlace place;
    const auto ref = place.opened().create("p-256", {{"label", "a"}}).ref;
    make_earlier(place, 1);
    place.execute("drop role if exists clerk");
    place.execute("create role clerk login");
    place.execute("grant usage on schema keyway to clerk");
    place.execute("grant select, insert, update, delete on all tables in schema keyway to clerk");
    const OpenedBackend clerk(database_backend(), {{"postgresql", place.connection() + " user=clerk"}, {"passphrase", "env:PASS"}},
                              {{"PASS", "correct horse"}});
    CHECK(!clerk.check(ref));
    CHECK(writable(clerk) == "storage_failed");
    const auto error = raised([&] { return clerk.create("p-256", {{"label", "b"}}); });
    CHECK(error.code() == Errc::storage_failed);
    CHECK(error.message().find("version 1") != std::string::npos);
    CHECK(error.hint().find("owner") != std::string::npos);
    CHECK(version_of(place) == "1");
    static_cast<void>(place.opened().create("p-256", {{"label", "b"}}));
    CHECK(clerk.labels() == std::vector<std::string>{"a", "b"});
}
#else
TEST_CASE("a file of an earlier version in a folder that can only be read is used") {
    test::TemporaryFolder folder;
    const DatabasePlace place;
    const auto ref = place.opened().create("p-256", {{"label", "a"}}).ref;
    make_earlier(place, 1);
    const test::BoundByModes bound(place.path().parent_path());
    REQUIRE(::chmod(place.path().parent_path().c_str(), 0500) == 0);
    const auto backend = place.opened();
    CHECK(!backend.check(ref));
    CHECK(writable(backend) == "storage_failed");
    const auto error = raised([&] { return backend.create("p-256", {{"label", "b"}}); });
    CHECK(error.code() == Errc::storage_failed);
    CHECK(error.message().find("can only be read") != std::string::npos);
    REQUIRE(::chmod(place.path().parent_path().c_str(), 0700) == 0);
    CHECK(version_of(place) == "1");
}
#endif
