// SPDX-License-Identifier: BSD-2-Clause
// A database with more keys than are read at a time: what is printed of them does not show it.
#include "workshop.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sqlite3.h>

#include <algorithm>

namespace {

using namespace keyway::test;

/// The database of the settings, with one key "a" and 2,500 others.
void fill(const Workshop& shop) {
    static_cast<void>(shop.succeed({"key", "create", "--backend", "db", "--type", "p-256", "--label", "a"}));
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(shop.path("keys.db").c_str(), &database) == SQLITE_OK);
    CHECK(sqlite3_exec(database,
                       "with recursive series(n) as (select 1 union all select n + 1 from series where n < 2500)"
                       " insert into signing_key select 'row-' || n, spki_sha256, key_type, created, key_encryption_key_id,"
                       " wrapped_data_key, encrypted_private_key from signing_key, series;"
                       "update signing_key set key_type = 'none' where label = 'row-7';"
                       "update signing_key set key_type = 'brainpool-p512r1' where label = 'row-999'",
                       nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(database);
}

}  // namespace

TEST_CASE("a listing of many keys is one table, and one JSON object") {
    const Workshop shop;
    fill(shop);
    const auto text = shop.keyway({"key", "list", "--backend", "db"});
    CHECK(text.status == 0);
    CHECK(text.err.starts_with("keyway: warning: "));
    CHECK(std::ranges::count(text.err, '\n') == 1);
    CHECK(std::ranges::count(text.out, '\n') == 2501);
    // All columns are as wide as the widest, which stands on the last page.
    CHECK(text.out.starts_with("LABEL     TYPE              SPKI SHA-256\na         p-256             "));

    const auto result = shop.keyway({"--json", "key", "list", "--backend", "db"});
    CHECK(result.err.empty());
    const auto json = Json::parse(result.out);
    CHECK(json.at("backend") == "db");
    CHECK(json.at("keys").size() == 2500);
    CHECK(json.at("keys").front().at("label") == "a");
    CHECK(json.at("keys").back().at("label") == "row-999");
    CHECK(json.at("faults").size() == 1);
    CHECK(result.out == json.dump(2) + "\n");

    const auto filtered = shop.keyway({"--json", "key", "list", "--backend", "db", "--label", "row-25*"});
    CHECK(Json::parse(filtered.out).at("keys").size() == 12);
    CHECK(filtered.out == Json::parse(filtered.out).dump(2) + "\n");
    const auto nothing = shop.keyway({"--json", "key", "list", "--backend", "db", "--label", "x"});
    CHECK(nothing.out == Json::parse(nothing.out).dump(2) + "\n");
    CHECK(shop.keyway({"key", "list", "--backend", "db", "--label", "x"}).out ==
          "no key that fits --type and --label; there are 2500 in backend \"db\"\n");
    CHECK(shop.succeed({"key", "show", "db:a"}).starts_with("label         a\n"));
    CHECK(shop.fail({"key", "show", "db:b"}, 20, "key_not_found").find(" and 2480 more: see `keyway key list`") != std::string::npos);
}
