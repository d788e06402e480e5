// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/quirks/quirks.hpp>

#include <nlohmann/json.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

using namespace keyway::pkcs11;

namespace {

const std::string document = std::string(KEYWAY_DOCS) + "/quirks.md";

std::string read_document() {
    std::ifstream file(document);
    REQUIRE(file.good());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The part between a mark and the next end mark, replaced.
std::string with_part(const std::string& text, const std::string& name, const std::string& part) {
    const auto mark = "<!-- made from the tables: " + name + " -->\n";
    const auto start = text.find(mark);
    REQUIRE(start != std::string::npos);
    const auto begin = start + mark.size();
    const auto end = text.find("<!-- end -->", begin);
    REQUIRE(end != std::string::npos);
    return text.substr(0, begin) + part + text.substr(end);
}

/// Text for a cell of a table.
std::string cell(std::string_view text) {
    std::string out;
    for(const char c : text) {
        out += c == '|' ? std::string("\\|") : std::string(1, c);
    }
    return out;
}

std::string kinds() {
    std::string out = "\n| quirk | takes | meaning |\n|---|---|---|\n";
    for(const auto& kind : quirk_kinds()) {
        out += "| `" + std::string(kind.name) + "` | " + cell(kind.takes) + " | " + cell(kind.meaning) + " |\n";
    }
    return out + "\n";
}

/// "CKM_EDDSA", "CKM_EDDSA: 3134; *: 512".
std::string value_text(const nlohmann::ordered_json& value) {
    std::string out;
    if(value.is_array()) {
        for(const auto& element : value) {
            out += (out.empty() ? "" : ", ") + value_text(element);
        }
        return out;
    }
    if(value.is_object()) {
        for(const auto& [name, part] : value.items()) {
            out += (out.empty() ? "" : "; ") + name + ": " + value_text(part);
        }
        return out;
    }
    return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string match_text(const QuirkProfile& profile) {
    std::string out;
    for(const auto& match : profile.match) {
        std::string parts;
        for(const auto& [name, part] :
            {std::pair{"manufacturer", &match.manufacturer}, std::pair{"model", &match.model},
             std::pair{"library-manufacturer", &match.library_manufacturer},
             std::pair{"library-description", &match.library_description}, std::pair{"module-file", &match.module_file}}) {
            if(*part) {
                parts += (parts.empty() ? "" : " and ") + std::string(name) + " `" + **part + "`";
            }
        }
        out += (out.empty() ? "" : "; or ") + parts;
    }
    return out.empty() ? "Chosen by its name only." : "Fits " + out + ".";
}

std::string profiles() {
    std::string out;
    for(const auto& profile : known_quirks()) {
        out += "\n### " + profile.name + "\n\n" + profile.summary + ". " + match_text(profile) +
               "\n\n| quirk | value | reason | source |\n|---|---|---|---|\n";
        for(const auto& line : profile.lines) {
            out += "| `" + line.name + "` | " + cell(value_text(nlohmann::ordered_json::parse(line.value))) + " | " +
                   cell(line.reason) + " | " + cell(line.source) + " |\n";
        }
    }
    return out + "\n";
}

}  // namespace

TEST_CASE("docs/quirks.md has the table of all quirks and of all profiles") {
    const auto text = read_document();
    const auto expected = with_part(with_part(text, "kinds", kinds()), "profiles", profiles());
    if(std::getenv("KEYWAY_ACCEPT") != nullptr) {
        std::ofstream(document) << expected;
    }
    CHECK(read_document() == expected);
}

TEST_CASE("the example of docs/quirks.md is a profile") {
    const auto text = read_document();
    const std::string mark = "```json\n";
    const auto begin = text.find(mark) + mark.size();
    const auto profile = parse_quirks(text.substr(begin, text.find("```", begin) - begin), "docs/quirks.md");
    CHECK(profile.most_sessions == 8);
    CHECK(profile.match.size() == 1);
}
