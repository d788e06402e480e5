// SPDX-License-Identifier: BSD-2-Clause
// How long it takes to open one of a million keys by its name, apart from the key derivation, which is done once; and what it
// takes to list them.
#include <keyway/key/paged_key_lister.hpp>

#include <botan/pk_keys.h>

#include <backends/database/database_place.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

using namespace keyway;
using keyway::test::DatabasePlace;
using keyway::test::OpenedBackend;

namespace {

#ifdef KEYWAY_ON_POSTGRESQL
constexpr auto system_name = "PostgreSQL";
constexpr auto series = "generate_series(1, 1000000) as series(n)";
#else
constexpr auto system_name = "SQLite";
constexpr auto series =
    "(with recursive series(n) as (select 1 union all select n + 1 from series where n < 1000000) select n from series)";
#endif

/// Milliseconds, the median of many.
double median_of_use(const OpenedBackend& backend, const KeyRef& ref) {
    for(int i = 0; i < 50; ++i) {
        static_cast<void>(backend.use(ref));
    }
    std::vector<double> times;
    for(int i = 0; i < 400; ++i) {
        const auto start = std::chrono::steady_clock::now();
        static_cast<void>(backend.use(ref));
        times.push_back(
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    std::ranges::nth_element(times, times.begin() + 200);
    return times[200];
}

/// The most memory that this process has had since its last call, in KiB; counted anew from now on.
long peak_kib() {
    std::ifstream status("/proc/self/status");
    long kib = 0;
    for(std::string word; status >> word;) {
        if(word == "VmHWM:") {
            status >> kib;
        }
    }
    std::ofstream("/proc/self/clear_refs") << "5";
    return kib;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("a key among a million is opened as quickly as one alone, and all are listed in little memory") {
    const DatabasePlace place;
    const auto backend = place.opened();
    const auto ref = backend.create("ed25519", {{"label", "key-0500000"}}).ref;
    const auto alone = median_of_use(backend, ref);
    // Rows like that of the key, under other names: they do not open, but have to be passed by.
    place.execute(std::string("insert into signing_key select 'row-' || n, spki_sha256, key_type, created,"
                              " key_encryption_key_id, wrapped_data_key, encrypted_private_key from signing_key, ") +
                  series);
#ifdef KEYWAY_ON_POSTGRESQL
    place.execute("analyze");
#endif
    REQUIRE(place.answer("select count(*) from signing_key") == "1000001");
    const auto among = median_of_use(backend, ref);
    std::printf("%s: a key is opened in %.3f ms alone, %.3f ms among 1,000,000 (%.2f times)\n", system_name, alone,
                among, among / alone);
    CHECK(among < 2.0);
    CHECK(among < 2 * alone);

    const auto& pages = dynamic_cast<const PagedKeyLister&>(*backend.operator->());
    static_cast<void>(pages.list_label("row-1", backend.options(Phase::use, {})));
    static_cast<void>(peak_kib());
    const auto before = peak_kib();
    const auto start = std::chrono::steady_clock::now();
    std::size_t listed = 0;
    pages.list_pages(backend.options(Phase::use, {}), [&](const KeyListing& page) { listed += page.keys.size() + page.faults.size(); });
    const auto took = seconds_since(start);
    const auto more = peak_kib() - before;
    std::printf("%s: 1,000,001 keys are listed in %.1f s, with %.1f MiB more than before\n", system_name, took,
                static_cast<double>(more) / 1024);
    CHECK(listed == 1'000'001);
    CHECK(more < 16L * 1024);
}
