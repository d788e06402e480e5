// SPDX-License-Identifier: BSD-2-Clause
// docs/modules.md has the table that the contract suite checks.
#include <contract/lacks.hpp>

#include <softhsm_fixtures/modules.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

using namespace keyway::contract;

namespace {

const std::string document = KEYWAY_DOCS "/modules.md";

std::string read_document() {
    std::ifstream in(document);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string listed(std::string_view names) {
    std::string out;
    for(const char c : names) {
        out += c == ' ' ? std::string(", ") : std::string(1, c);
    }
    return out;
}

std::string tables() {
    std::string out;
    for(const auto& [module, versions] : measured_modules()) {
        out += "\n### " + std::string(module) + "\n\n" + softhsm_fixtures::require_module(module).summary() + ". ";
        if(versions.empty()) {
            out += "What it lacks has not been written down yet: the suite skips that case there, and runs the others.\n";
            continue;
        }
        std::string known;
        for(const auto version : versions) {
            known += (known.empty() ? "" : ", ") + std::string(version);
        }
        out += "Seen with version " + known + ".\n\n| cannot | what | because | until version |\n|---|---|---|---|\n";
        for(const auto& lack : known_lacks()) {
            if(lack.module == module) {
                out += "| " + std::string(lack.doing) + " | " + listed(lack.names) + " | " + std::string(lack.reason) + " | " +
                       std::string(lack.until) + " |\n";
            }
        }
    }
    return out + "\n";
}

}  // namespace

TEST_CASE("docs/modules.md has the table of what modules lack") {
    const auto text = read_document();
    const std::string mark = "<!-- made from tests/contract/lacks.cpp -->\n";
    const auto start = text.find(mark);
    REQUIRE(start != std::string::npos);
    const auto begin = start + mark.size();
    const auto end = text.find("<!-- end -->", begin);
    REQUIRE(end != std::string::npos);
    const auto expected = text.substr(0, begin) + tables() + text.substr(end);
    // KEYWAY_ACCEPT=1 writes it anew.
    if(std::getenv("KEYWAY_ACCEPT") != nullptr) {
        std::ofstream(document) << expected;
    }
    CHECK(read_document() == expected);
}

TEST_CASE("every line of the table is about a module of the table, and does one of the three things") {
    for(const auto& lack : known_lacks()) {
        CAPTURE(lack.module, lack.names);
        CHECK(std::ranges::find(measured_modules(), lack.module, &MeasuredModule::module) != measured_modules().end());
        CHECK((lack.doing == "create" || lack.doing == "store" || lack.doing == "sign"));
        CHECK_FALSE(lack.reason.empty());
    }
}
