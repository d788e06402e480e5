// SPDX-License-Identifier: BSD-2-Clause
#include "prepared.hpp"

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/softhsm_token.hpp>
#include <softhsm_fixtures/token_archive_internal.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <array>
#include <ctime>
#include <fstream>
#include <optional>
#include <set>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace softhsm_fixtures;
using softhsm_fixtures::internal::decoded;
using softhsm_fixtures::internal::encoded;
using support::OwnCache;
namespace fs = std::filesystem;

namespace {

const TokenOptions prepared{.prepared = true};

void write(const fs::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

/// Whether both PINs open the token.
[[nodiscard]] bool works(const SoftHsmToken& token) {
    const ScopedSoftHsmConf conf(token.config_path());
    const support::OpenModule module(token.module_path());
    return module.login(token.serial(), CKU_USER, token.user_pin()) == CKR_OK &&
           module.login(token.serial(), CKU_SO, token.so_pin()) == CKR_OK;
}

[[nodiscard]] std::string cache_refusal() {
    try {
        const SoftHsmToken token(prepared);
    } catch (const FixtureError& error) {
        return error.what();
    }
    return {};
}

} // namespace

TEST_CASE_METHOD(OwnCache, "an entry that is broken is made anew") {
    const auto pin = SoftHsmToken(prepared).user_pin();
    const auto entry = entries().at(0);
    const auto good = support::content_of(entry);
    CHECK(SoftHsmToken(prepared).user_pin() == pin);
    auto flipped = good;
    flipped.at(good.size() / 2) ^= 1;
    auto other_version = good;
    other_version.at(other_version.find('1')) = '9';
    for (const auto& bad :
         {std::string(), good.substr(0, 1), good.substr(0, 60), good.substr(0, good.size() / 2),
          good.substr(0, good.size() - 1), good + 'x', flipped, other_version}) {
        write(entry, bad);
        const SoftHsmToken token(prepared);
        CHECK(token.user_pin() != pin);
        CHECK(works(token));
        CHECK(entries() == std::vector{entry});
        CHECK(SoftHsmToken(prepared).user_pin() == token.user_pin());
    }
}

TEST_CASE_METHOD(OwnCache, "an entry that is no file of its own is not read") {
    const auto pin = SoftHsmToken(prepared).user_pin();
    const auto entry = entries().at(0);
    const TemporaryFolder elsewhere("elsewhere");
    fs::rename(entry, elsewhere.path() / "entry");
    fs::create_symlink(elsewhere.path() / "entry", entry);
    const SoftHsmToken token(prepared);
    CHECK(token.user_pin() != pin);
    CHECK(fs::is_regular_file(fs::symlink_status(entry)));
    CHECK(SoftHsmToken(prepared).user_pin() == token.user_pin());

    fs::remove(entry);
    fs::create_directory(entry);
    CHECK(works(SoftHsmToken(prepared)));

    fs::remove(entry);
    REQUIRE(::mkfifo(entry.c_str(), 0600) == 0);
    CHECK(works(SoftHsmToken(prepared)));
    CHECK(fs::is_regular_file(entry));
    // A hole, which is more than there is memory.
    fs::resize_file(entry, std::uintmax_t{1} << 42U);
    CHECK(works(SoftHsmToken(prepared)));
    CHECK(fs::file_size(entry) < 1'000'000);
}

TEST_CASE_METHOD(OwnCache, "an archive is read back as it was, and never when a byte is missing") {
    static_cast<void>(SoftHsmToken(prepared));
    const auto text = support::content_of(entries().at(0));
    const auto archive = decoded(text);
    REQUIRE(archive);
    CHECK(encoded(*archive) == text);
    CHECK(archive->best_before == 0);
    for (std::size_t size = 0; size < text.size(); ++size) {
        CHECK_FALSE(decoded(std::string_view(text).substr(0, size)));
    }
}

TEST_CASE_METHOD(OwnCache, "an entry with certificates is made anew before they change") {
    const TokenOptions options{
        .content = TokenContent::parse(
            R"([{"type": "ec", "curve": "P-256", "label": "k", "certificate": {"days": 10}},
                                       {"type": "ec", "curve": "P-256", "label": "l", "certificate": {"starts": 4}},
                                       {"type": "ec", "curve": "P-256", "label": "m",
                                        "certificate": {"starts": -9, "days": 5}}])")};
    const auto pin = SoftHsmToken(options).user_pin();
    const auto entry = entries().at(0);
    auto archive = decoded(support::content_of(entry)).value();
    const auto now = std::time(nullptr);
    const std::int64_t day = 86'400;
    CHECK(archive.best_before > now + 2 * day - 100);
    CHECK(archive.best_before <= now + 2 * day);

    archive.best_before = now + 1000;
    write(entry, encoded(archive));
    CHECK(SoftHsmToken(options).user_pin() == pin);
    archive.best_before = now - 1;
    write(entry, encoded(archive));
    CHECK(SoftHsmToken(options).user_pin() != pin);
    CHECK(decoded(support::content_of(entry)).value().best_before > now + day);
}

TEST_CASE_METHOD(OwnCache, "what nobody used for a month goes, and nothing else") {
    fs::create_directory(path());
    const auto aged = [&](const std::string& name, int days) {
        write(path() / name, "x");
        fs::last_write_time(path() / name, fs::file_time_type::clock::now() - std::chrono::hours(24 * days));
        return path() / name;
    };
    fs::permissions(path(), fs::perms::owner_all);
    const auto old = aged("old.token", 31);
    const auto recent = aged("recent.token", 29);
    const auto part = aged("x.token-1.part", 2);
    const auto fresh_part = aged("y.token-1.part", 0);
    const auto foreign = aged("foreign", 400);
    static_cast<void>(SoftHsmToken(prepared));
    CHECK_FALSE(fs::exists(old));
    CHECK(fs::exists(recent));
    CHECK_FALSE(fs::exists(part));
    CHECK(fs::exists(fresh_part));
    CHECK(fs::exists(foreign));
}

TEST_CASE_METHOD(OwnCache, "an entry in use does not grow old") {
    const auto pin = SoftHsmToken(prepared).user_pin();
    const auto entry = entries().at(0);
    fs::last_write_time(entry, fs::file_time_type::clock::now() - std::chrono::hours(24 * 29));
    CHECK(SoftHsmToken(prepared).user_pin() == pin);
    CHECK(fs::last_write_time(entry) > fs::file_time_type::clock::now() - std::chrono::hours(1));
}

TEST_CASE_METHOD(OwnCache, "a cache that others can write is refused") {
    fs::create_directory(path());
    const auto mode = GENERATE(0720, 0702, 0777);
    fs::permissions(path(), fs::perms(mode));
    CHECK(cache_refusal() == "the cache \"" + path().string() +
                                 "\" can be written by others; set "
                                 "SOFTHSM_FIXTURES_CACHE to a folder of your own");
    CHECK(entries().empty());
    // Only who asks for a copy needs a cache.
    CHECK_NOTHROW(SoftHsmToken());
}

TEST_CASE_METHOD(OwnCache, "a cache of another user is refused") {
    fs::create_directory(path());
    fs::permissions(path(), fs::perms::owner_all);
    if (::chown(path().c_str(), 1, 1) != 0) {
        SKIP("only root can give a folder to another user");
    }
    CHECK(cache_refusal() == "the cache \"" + path().string() +
                                 "\" belongs to another user; set "
                                 "SOFTHSM_FIXTURES_CACHE to a folder of your own");
}

TEST_CASE_METHOD(OwnCache, "a cache that is no folder is refused") {
    write(path(), "");
    CHECK(cache_refusal() == "the cache \"" + path().string() +
                                 "\" cannot be used: Not a directory; set "
                                 "SOFTHSM_FIXTURES_CACHE to a folder of your own");
    fs::remove(path());
    fs::create_directory_symlink("/tmp", path());
    CHECK(cache_refusal().starts_with("the cache \"" + path().string() + "\" cannot be used: "));
}

TEST_CASE("without SOFTHSM_FIXTURES_CACHE the first usable of the usual places is taken") {
    skip_without_softhsm();
    const TemporaryFolder folder("places");
    const auto place = [&](const char* name) { return folder.path() / name; };
    fs::create_directory(place("tmp"));
    const support::Variable unset("SOFTHSM_FIXTURES_CACHE", std::nullopt);
    const support::Variable home("HOME", place("home").string());
    const support::Variable tmpdir("TMPDIR", place("tmp").string());
    const auto in_tmp = place("tmp") / ("softhsm-fixtures-cache-" + std::to_string(::geteuid()));
    const auto made_in = [&](const fs::path& cache) {
        const SoftHsmToken token(prepared);
        return works(token) && fs::exists(cache) && !support::names_in(cache).empty();
    };
    {
        const support::Variable xdg("XDG_CACHE_HOME", place("xdg").string());
        CHECK(made_in(place("xdg") / "softhsm-fixtures"));
        CHECK_FALSE(fs::exists(place("home")));
    }
    const support::Variable relative("XDG_CACHE_HOME", "relative");
    CHECK(made_in(in_tmp));
    CHECK_FALSE(fs::exists(place("home")));
    fs::remove_all(in_tmp);
    fs::create_directory(place("home"));
    CHECK(made_in(place("home") / ".cache" / "softhsm-fixtures"));
    CHECK(support::mode_of(place("home") / ".cache") == 0700U);
    CHECK_FALSE(fs::exists(in_tmp));
    fs::permissions(place("home") / ".cache" / "softhsm-fixtures", fs::perms::all);
    CHECK(made_in(in_tmp));
    // With none at all, there is still a token.
    fs::remove_all(in_tmp);
    write(in_tmp, "");
    CHECK(works(SoftHsmToken(prepared)));
    CHECK(support::content_of(in_tmp).empty());
}

TEST_CASE_METHOD(OwnCache, "processes and threads that start at once make one token and copy it") {
    constexpr std::size_t many = 8;
    std::array<std::string, 2 * many> seen;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < many; ++i) {
        threads.emplace_back([&seen, i] { seen[i] = support::run("'" PREPARED_WORKER "'").output; });
        threads.emplace_back([&seen, i] {
            const SoftHsmToken token(prepared);
            seen[many + i] = token.user_pin() + ' ' + token.serial() + '\n';
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    std::set<std::string> pins;
    std::set<std::string> serials;
    for (const auto& line : seen) {
        pins.insert(line.substr(0, line.find(' ')));
        serials.insert(line.substr(line.find(' ') + 1));
    }
    CHECK(pins.size() == 1);
    CHECK(serials.size() == 2 * many);
    CHECK(entries().size() == 1);
}

TEST_CASE_METHOD(OwnCache, "a process that dies while it makes a token stops nobody else") {
    const auto helper = path().parent_path() / "helper";
    write(helper, "#!/bin/sh\nkill -9 $PPID\n");
    fs::permissions(helper, fs::perms::owner_all);
    const auto killed = support::run("SOFTHSM_FIXTURES_INIT='" + helper.string() + "' '" PREPARED_WORKER "'");
    CHECK(killed.output.find(' ') == std::string::npos);
    CHECK(entries().empty());
    CHECK(works(SoftHsmToken(prepared)));
    CHECK(entries().size() == 1);
}
