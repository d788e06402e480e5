// SPDX-License-Identifier: BSD-2-Clause
// The table of what is done about each return value, and the page that shows it.
#include <keyway/pkcs11/cryptoki_internal.hpp>
#include <keyway/pkcs11/recovery.hpp>
#include <support/raises.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace keyway;
using namespace keyway::pkcs11;

namespace {

std::string rows() {
    std::string text = "\n| return value | remedy | class | what its error says to do |\n|---|---|---|---|\n";
    for(const auto& row : return_values()) {
        const bool fails = row.remedy != Remedy::success;
        text += "| `" + std::string(row.name) + "` | `" + std::string(to_string(row.remedy)) + "` | " +
                (fails ? "`" + std::string(to_string(row.code)) + "`" : "") + " | " + std::string(row.hint) + " |\n";
    }
    return text + '\n';
}

}  // namespace

TEST_CASE("the recovery table is in the order of the values, and has each once") {
    const auto table = return_values();
    CHECK(table.size() > 100);
    CHECK(std::ranges::adjacent_find(table, std::greater_equal<>{}, &ReturnValue::value) == table.end());
    for(const auto& row : table) {
        CHECK(find_return_value(row.value) == &row);
        CHECK(find_return_value(row.name) == &row);
        CHECK(remedy_for(row.value) == row.remedy);
    }
    CHECK(find_return_value(0x80000042) == nullptr);
    CHECK(remedy_for(0x80000042) == Remedy::fatal);
    CHECK(remedy_for(CKR_KEY_HANDLE_INVALID) == Remedy::find_key);
    CHECK(remedy_for(CKR_OBJECT_HANDLE_INVALID) == Remedy::find_key);
}

TEST_CASE("docs/recovery.md shows the table as it is") {
    const std::string path = KEYWAY_DOCS "/recovery.md";
    std::ifstream in(path);
    REQUIRE(in);
    std::stringstream whole;
    whole << in.rdbuf();
    auto page = whole.str();
    const std::string begin = "<!-- made from the table in lib/keyway/pkcs11/recovery.cpp -->\n";
    const auto start = page.find(begin);
    const auto end = page.find("<!-- end -->", start);
    REQUIRE(start != std::string::npos);
    REQUIRE(end != std::string::npos);
    if(std::getenv("KEYWAY_ACCEPT") != nullptr) {
        page.replace(start + begin.size(), end - start - begin.size(), rows());
        std::ofstream(path) << page;
        return;
    }
    // KEYWAY_ACCEPT=1 writes it anew.
    CHECK(page.substr(start + begin.size(), end - start - begin.size()) == rows());
}
