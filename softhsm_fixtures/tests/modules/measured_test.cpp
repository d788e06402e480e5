// SPDX-License-Identifier: BSD-2-Clause
#include "measured.hpp"

#include <softhsm_fixtures/catch2_modules.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <vector>

using namespace softhsm_fixtures;

namespace {

constexpr const char* is_measured = "measured";

/// Numbers as in 3.110, which comes after 3.87.
[[nodiscard]] std::pair<int, int> numbers_of(const std::string& version) {
    return {std::stoi(version), std::stoi(version.substr(version.find('.') + 1))};
}

template <typename Line>
[[nodiscard]] bool is_of_version(const Line& line, const std::string& version) {
    return (line.since.empty() || numbers_of(version) >= numbers_of(line.since)) &&
           (line.until.empty() || numbers_of(version) < numbers_of(line.until));
}

/// What breaks only in an unlucky moment: that it went well once says nothing.
const std::set<std::string> needs_bad_luck = {"parallel-processes", "parallel-threads"};

/// A line for each thing that is listed and not so, or so and not listed; names are not looked at that `skip` has.
template <typename Line>
[[nodiscard]] std::vector<std::string> differences(const std::vector<Line>& lines,
                                                   const std::map<std::string, measured::Answer>& answers,
                                                   const std::string& version, const std::set<std::string>& skip) {
    std::set<std::string> listed;
    for (const Line& line : lines) {
        if (is_of_version(line, version)) {
            listed.insert(line.name);
        }
    }
    std::vector<std::string> found;
    for (const auto& [name, answer] : answers) {
        const bool lucky = answer.yes && needs_bad_luck.contains(name);
        if (!skip.contains(name) && !lucky && answer.yes != listed.contains(name)) {
            found.push_back(name + (answer.yes ? ": works and is not listed" : ": is listed, but: " + answer.reason));
        }
    }
    return found;
}

[[nodiscard]] std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) {
        text += "\n  " + line;
    }
    return text;
}

/// Measures the installed version. One whose answers nobody has written down yet may differ; that is told, not failed.
void compare_with_data_file(const std::string& name) {
    const ModuleInfo& module = require_usable(require_module(name));
    const std::string version = module.installed_version();
    std::set<std::string> varying;
    for (const Quirk& quirk : module.quirks()) {
        if (!quirk.varies.empty()) {
            varying.insert(quirk.name);
        }
    }
    const measured::Answers answers = measured::measure(module);
    auto found = differences(module.capabilities(), answers.capabilities, version, {});
    const auto of_quirks = differences(module.quirks(), answers.quirks, version, varying);
    found.insert(found.end(), of_quirks.begin(), of_quirks.end());

    const auto& known = module.measured();
    if (std::find(known.begin(), known.end(), version) == known.end() && !found.empty()) {
        SKIP(name + " " + version + " is not one of the versions that were measured; it differs in:" + joined(found));
    }
    INFO(name << " " << version << " differs from data/modules/" << name << ".json in:" << joined(found));
    CHECK(found.empty());
}

} // namespace

TEST_CASE("softhsm2 does what its data file says", "[softhsm2]") {
    compare_with_data_file("softhsm2");
}

TEST_CASE("nss-softokn does what its data file says", "[nss-softokn]") {
    compare_with_data_file("nss-softokn");
}

TEST_CASE("kryoptic does what its data file says", "[kryoptic]") {
    compare_with_data_file("kryoptic");
}

TEST_CASE("tpm2-pkcs11 does what its data file says", "[tpm2-pkcs11]") {
    compare_with_data_file("tpm2-pkcs11");
}

TEST_CASE("opencryptoki does what its data file says", "[opencryptoki]") {
    compare_with_data_file("opencryptoki");
}

TEST_CASE("every capability of the vocabulary is measured, and nothing else", "[vocabulary]") {
    const auto& known = known_capabilities();
    CHECK(measured::measurable().capabilities == std::set<std::string>(known.begin(), known.end()));
}

TEST_CASE("every quirk is measured, or names where it is written", "[vocabulary]") {
    const auto measurable = measured::measurable().quirks;
    for (const ModuleInfo& module : known_modules()) {
        for (const Quirk& quirk : module.quirks()) {
            CAPTURE(module.name(), quirk.name, quirk.source);
            CHECK(measurable.contains(quirk.name) == (quirk.source == is_measured));
            CHECK((quirk.source == is_measured || quirk.source.starts_with("https://")));
        }
    }
}
