// SPDX-License-Identifier: BSD-2-Clause
// The profiles, and the manual: docs/faults.md says what the parser knows, and its examples are plans.
#include "fault/plan_faults.hpp"
#include "fault/plan_json.hpp"
#include "fault/plan_manual.hpp"
#include "fault/plan_schema.hpp"
#include "plan_support.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace plan_support;

namespace {

[[nodiscard]] std::string manual() {
    std::ifstream file(MANUAL, std::ios::binary);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The parts of the manual that are made from tables.
[[nodiscard]] std::map<std::string, std::string> made_parts() {
    return {{"plan", manual_of_plan()},
            {"trigger", manual_of_trigger()},
            {"faults", manual_of_faults()},
            {"profiles", manual_of_profiles()}};
}

[[nodiscard]] std::string begin_of(const std::string& part) {
    return "<!-- made from the tables: " + part + " -->\n\n";
}
const std::string end_of_part = "\n<!-- end -->\n";

/// The manual with its made parts replaced.
[[nodiscard]] std::string with_made_parts(std::string text) {
    for (const auto& [name, made] : made_parts()) {
        const auto begin = text.find(begin_of(name));
        REQUIRE(begin != std::string::npos);
        const auto start = begin + begin_of(name).size();
        const auto end = text.find(end_of_part, start - 1);
        REQUIRE(end != std::string::npos);
        text.replace(start, end - start, made);
    }
    return text;
}

/// What stands between ```LANGUAGE and ```.
[[nodiscard]] std::vector<std::string> blocks(const std::string& text, const std::string& language) {
    const std::string opening = "```" + language + "\n";
    std::vector<std::string> result;
    for (auto at = text.find(opening); at != std::string::npos; at = text.find(opening, at)) {
        const auto start = at + opening.size();
        const auto end = text.find("```", start);
        REQUIRE(end != std::string::npos);
        result.push_back(text.substr(start, end - start));
        at = end;
    }
    return result;
}

[[nodiscard]] std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> result;
    std::size_t start = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
        result.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return result;
}

} // namespace

// Run with the name of this test to write the manual anew.
TEST_CASE("write the manual", "[.accept]") {
    const auto text = with_made_parts(manual());
    std::ofstream file(MANUAL, std::ios::binary);
    file << text;
    CHECK(file.flush());
}

TEST_CASE("the manual says what the parser knows") {
    const auto text = manual();
    INFO("run this program with the argument [.accept] to write the manual anew");
    CHECK(lines(text) == lines(with_made_parts(text)));
}

TEST_CASE("the manual's examples are read") {
    std::map<std::string, std::size_t> read;
    for (const auto& block : blocks(manual(), "json")) {
        CAPTURE(block);
        const auto object = parse_strict_json(block);
        if (object.contains("fault")) {
            CHECK(parse_fault(object, "example", "/", Origin::plan).name == object.at("fault"));
            ++read["faults"];
        } else {
            CHECK_NOTHROW(parse_plan(block));
            ++read["plans"];
        }
    }
    for (const auto& block : blocks(manual(), "json-lines")) {
        for (const auto& line : lines(block)) {
            CAPTURE(line);
            CHECK_NOTHROW(parse_command(line));
            ++read["control lines"];
        }
    }
    for (const auto& block : blocks(manual(), "short-form")) {
        for (const auto& line : lines(block)) {
            CAPTURE(line);
            CHECK_FALSE(parse_short_form(line).empty());
            ++read["short forms"];
        }
    }
    CHECK(read["faults"] == fault_descriptions().size());
    CHECK(read["plans"] >= 1);
    CHECK(read["control lines"] >= 7);
    CHECK(read["short forms"] >= 5);
}

TEST_CASE("each fault is described with an example of its own, and its defaults are those of its type") {
    for (const auto& description : fault_descriptions()) {
        CAPTURE(description.name);
        CHECK_FALSE(description.meaning.empty());
        CHECK(only_fault(std::string(description.example)).name == description.name);
        const auto text = describe_faults();
        CHECK(text.find(std::string(description.name) + ": " + std::string(description.meaning) + "\n") !=
              std::string::npos);
        for (const auto& member : description.members) {
            CHECK(text.find("    " + std::string(member.name) + ": " + std::string(member.meaning)) !=
                  std::string::npos);
        }
    }
}

TEST_CASE("profiles") {
    std::vector<std::string> names;
    for (const auto& profile : known_profiles()) {
        CAPTURE(profile.name);
        names.push_back(profile.name);
        const auto faults = parse_profile(profile.json);
        const auto object = parse_strict_json(profile.json);
        CHECK(faults.size() == object.at("lines").size());
        CHECK(object.at("name") == profile.name);
        CHECK(object.at("summary") == profile.summary);
        CHECK(object.at("vendor").get<std::string>().starts_with("behaves as published for "));
        CHECK(object.at("vendor").get<std::string>().ends_with(", simulated"));
        for (const auto& line : object.at("lines")) {
            CHECK(line.at("source").get<std::string>().starts_with("https://"));
            CHECK(line.at("why").get<std::string>().size() > 20);
        }
        CHECK(parse_plan(R"({"profile": ")" + profile.name + R"("})") == Plan{.faults = faults});
    }
    CHECK(names == std::vector<std::string>{
                       "aws-cloudhsm", "google-cloud-kms", "hash-in-token", "hash-outside-token", "luna-fips",
                       "luna-network", "nethsm", "nshield-cards", "opencryptoki", "opensc-eid",
                       "raw-ec-point", "safenet-idle", "smartcard-hsm", "tpm2-pkcs11", "ykcs11", "yubihsm2"});
    CHECK(parse_plan(R"({"profile": "opencryptoki"})").faults ==
          std::vector<Fault>{standing_fault("pin-tries", PinTries{PinOwner::user, 3}),
                             standing_fault("pin-tries", PinTries{PinOwner::security_officer, 3}),
                             standing_fault("fork-detection", ForkDetection{})});
}

TEST_CASE("a profile needs a reason and a source for each line") {
    const auto profile = [](const std::string& line) {
        return R"({"name": "n", "summary": "s", "vendor": "v", "lines": [)" + line + "]}";
    };
    const auto refused = [&](const std::string& json) {
        return refusal([&] { return parse_profile(json); });
    };
    const std::string fault = R"("fault": {"fault": "ec-point-raw"})";
    CHECK(parse_profile(profile("{" + fault + R"(, "why": "w", "source": "s"})")).size() == 1);
    CHECK(refused(profile("{" + fault + R"(, "source": "s"})")) ==
          R"(lines[0]: member "why" is missing: give text)");
    CHECK(refused(profile("{" + fault + R"(, "why": "w"})")) ==
          R"(lines[0]: member "source" is missing: give text)");
    CHECK(refused(profile("{" + fault + R"(, "why": "", "source": "s"})")) ==
          "lines[0].why: the text is empty");
    CHECK(refused(profile("{" + fault + R"(, "why": "w", "source": ""})")) ==
          "lines[0].source: the text is empty");
    CHECK(without_list(refused(profile(R"({"fault": {"fault": "x"}, "why": "w", "source": "s"})"))) ==
          R"(lines[0].fault.fault: unknown fault "x";)");
    CHECK(refused(profile("")) == "lines: the list is empty: leave the member out");
    CHECK(refused("{}") == R"(member "name" is missing: give text)");
}
