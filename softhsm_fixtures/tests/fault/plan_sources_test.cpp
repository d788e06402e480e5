// SPDX-License-Identifier: BSD-2-Clause
// Plans from variables and files, the short form, lines of the control file.
#include "../support.hpp"
#include "plan_support.hpp"

#include <softhsm_fixtures/temporary_folder.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace plan_support;
namespace fs = std::filesystem;

namespace {

[[nodiscard]] Fault slow(double milliseconds) {
    return call_fault("slow", {.functions = every_function()}, Slow{{.first = milliseconds}});
}

/// The faults that a list of a plan becomes, without it.
[[nodiscard]] std::vector<Fault> in_a_plan(const std::string& faults) {
    return parse_plan(R"({"faults": [)" + faults + "]}").faults;
}

[[nodiscard]] std::string refusal_of_short_form(const std::string& text) {
    return refusal([&] { return parse_short_form(text); });
}

[[nodiscard]] std::string refusal_of_variables(const Variables& variables) {
    return refusal([&] { return plan_from_variables(variables); });
}

[[nodiscard]] std::string refusal_of_command(const std::string& line) {
    return refusal([&] { return parse_command(line); });
}

void write(const fs::path& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    REQUIRE(file.flush());
}

} // namespace

TEST_CASE("the short form is a plan in other words") {
    CHECK(parse_short_form("return function=C_Sign rv=CKR_DEVICE_ERROR at=3; slow ms=10") ==
          in_a_plan(R"({"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR", "at": 3},
                       {"fault": "slow", "ms": 10})"));
    CHECK(parse_short_form("\treturn  function=C_Sign,C_Login at=3,1 when=after\n\n;read-only-token;") ==
          in_a_plan(R"({"fault": "return", "function": ["C_Sign", "C_Login"], "at": [1, 3], "when": "after"},
                       {"fault": "read-only-token"})"));
    CHECK(
        parse_short_form(
            "slow ms=0.5 probability=0.25;slow ms=uniform:1,5;slow ms=normal:10,2;slow ms=exponential:3") ==
        in_a_plan(
            R"({"fault": "slow", "ms": 0.5, "probability": 0.25}, {"fault": "slow", "ms": {"uniform": [1, 5]}},
                       {"fault": "slow", "ms": {"normal": [10, 2]}}, {"fault": "slow", "ms": {"exponential": 3}})"));
    CHECK(
        parse_short_form("session-lost sessions=all function=all; session-cap sessions=2 announced=false") ==
        in_a_plan(R"({"fault": "session-lost", "sessions": "all", "function": "all"},
                       {"fault": "session-cap", "sessions": 2, "announced": false})"));
    CHECK(parse_short_form("short-signature bytes=-3; data-limit bytes=64 function=C_Sign,C_Digest") ==
          in_a_plan(R"({"fault": "short-signature", "bytes": -3},
                       {"fault": "data-limit", "bytes": 64, "function": ["C_Sign", "C_Digest"]})"));
    CHECK(parse_short_form("mechanisms-hidden mechanisms=CKM_RSA_PKCS,0x80000001 only=true;"
                           "attributes-withheld attributes=CKA_ID classes=CKO_DATA,CKO_PRIVATE_KEY") ==
          in_a_plan(
              R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_RSA_PKCS", "0x80000001"], "only": true},
                       {"fault": "attributes-withheld", "attributes": "CKA_ID",
                        "classes": ["CKO_DATA", "CKO_PRIVATE_KEY"]})"));
    CHECK(parse_short_form("").empty());
    CHECK(parse_short_form(" ; \n ;").empty());
}

TEST_CASE("quotes of the short form") {
    CHECK(parse_short_form("key-swapped label='a b; c' with='x=1' id=01") ==
          in_a_plan(R"({"fault": "key-swapped", "label": "a b; c", "with": "x=1", "id": "01"})"));
    // A text stays a text, even one that looks like a number or a list.
    CHECK(parse_short_form("key-swapped label=5 with=true") ==
          in_a_plan(R"({"fault": "key-swapped", "label": "5", "with": "true"})"));
    CHECK(parse_short_form("key-swapped label='' with=a,'b c',d") ==
          in_a_plan(R"({"fault": "key-swapped", "label": "", "with": "a,b c,d"})"));
    CHECK(parse_short_form("'slow' 'ms=10'") == in_a_plan(R"({"fault": "slow", "ms": 10})"));
    CHECK(parse_short_form(R"({"fault": "slow", "ms": 10})") == in_a_plan(R"({"fault": "slow", "ms": 10})"));
    CHECK(parse_short_form(R"(slow ms=1; {"fault": "key-swapped", "label": "a};\"'", "with": "b"} ;read-only-token)") ==
          in_a_plan(R"({"fault": "slow", "ms": 1}, {"fault": "key-swapped", "label": "a};\"'", "with": "b"}, {"fault": "read-only-token"})"));
}

TEST_CASE("what the short form refuses") {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"slow ms", R"(faults[0]: "ms" is no member: write name=value, and ; between faults)"},
        {"slow =1", R"(faults[0]: "=1" is no member: write name=value, and ; between faults)"},
        {"slow ms=1 slow ms=2", R"(faults[0]: "slow" is no member: write name=value, and ; between faults)"},
        {"slow ms=1; slow ms=1 ms=2", R"(faults[1]: member "ms" is given twice)"},
        {"slow ms=1 fault=hang", R"(faults[0]: member "fault" is given twice)"},
        {"key-swapped label='a with=b", R"(the quote before "a with=b" is not closed: end it with ')"},
        {"hang function=C_Sign ms=fast",
         R"(faults[0].ms: give a number of milliseconds, at most a day, not "fast")"},
        {"hang function=C_Sign ms=", R"(faults[0].ms: give a number of milliseconds, at most a day, not "")"},
        {"hang function=C_Sign at=1,,2",
         R"(faults[0].at: give a whole number from 1, or a list of them, not "")"},
        {"hang function=C_Sign at=0x10",
         R"(faults[0].at: give a whole number from 1, or a list of them, not "0x10")"},
        {"hang function=C_Sign every=[1]", R"(faults[0].every: give a whole number from 1, not "[1]")"},
        {"session-cap announced=yes", R"(faults[0].announced: give true or false, not "yes")"},
        {"ec-point-raw \xff=1", "not UTF-8"},
    };
    for (const auto& [text, message] : cases) {
        CAPTURE(text);
        CHECK(refusal_of_short_form(text) == message);
    }
    CHECK(without_list(refusal_of_short_form("slwo ms=1")) ==
          R"(faults[0].fault: unknown fault "slwo"; did you mean "slow"?)");
    CHECK(without_list(refusal_of_short_form("slow sm=1")) ==
          R"(faults[0]: unknown member "sm"; did you mean "ms"?)");
    CHECK(without_list(refusal_of_short_form("return function=C_Sign,,C_Login")) ==
          R"(faults[0].function: unknown function "";)");
    CHECK(refusal_of_short_form(std::string((1U << 20U) + 1, ' ')) == "longer than 1048576 bytes");
}

TEST_CASE("a plan from variables") {
    const auto here = [](const std::string& name) { return (fs::current_path() / name).string(); };
    CHECK(plan_from_variables(
              {{"PKCS11_FAULT_MODULE", "libsofthsm2.so"}, {"HOME", "/"}, {"PKCS11_FAULTY", "1"}}) ==
          Plan{.module = "libsofthsm2.so"});
    CHECK(plan_from_variables({{"PKCS11_FAULT_MODULE", "./a.so"},
                               {"PKCS11_FAULT_SEED", "7"},
                               {"PKCS11_FAULT_LOG", "log"},
                               {"PKCS11_FAULT_COUNTERS", "/counters"},
                               {"PKCS11_FAULT_CONTROL", "a/../control"},
                               {"PKCS11_FAULT_INIT_ARGS", "configDir='x'"},
                               {"PKCS11_FAULT_PROFILE", " raw-ec-point , hash-in-token"},
                               {"PKCS11_FAULT", "slow ms=1"}}) ==
          Plan{.module = here("a.so"),
               .init_arguments = "configDir='x'",
               .seed = 7,
               .log = here("log"),
               .counters = "/counters",
               .control = here("control"),
               .faults = [] {
                   auto faults = parse_plan(R"({"profile": ["raw-ec-point", "hash-in-token"]})").faults;
                   faults.push_back(slow(1));
                   return faults;
               }()});
    // An empty variable is one that is not set.
    CHECK(plan_from_variables({{"PKCS11_FAULT_MODULE", "a.so"},
                               {"PKCS11_FAULT", ""},
                               {"PKCS11_FAULT_PLAN", ""},
                               {"PKCS11_FAULT_PROFILE", ""},
                               {"PKCS11_FAULT_SEED", ""},
                               {"PKCS11_FAULT_LOG", ""},
                               {"PKCS11_FAULT_INIT_ARGS", ""}}) == Plan{.module = "a.so"});
}

TEST_CASE("a variable overrides the plan, and faults add up") {
    const std::string plan =
        R"( {"module": "/plan.so", "seed": 1, "log": "/plan.log", "profile": "raw-ec-point",
                                  "faults": [{"fault": "read-only-token"}]})";
    CHECK(plan_from_variables({{"PKCS11_FAULT_PLAN", plan},
                               {"PKCS11_FAULT_SEED", "2"},
                               {"PKCS11_FAULT_MODULE", "/variable.so"},
                               {"PKCS11_FAULT_PROFILE", "luna-fips"},
                               {"PKCS11_FAULT", "slow ms=3"}}) ==
          Plan{.module = "/variable.so",
               .seed = 2,
               .log = "/plan.log",
               .faults = {standing_fault("mechanisms-hidden", MechanismsHidden{{0x0, 0xa}, false}),
                          standing_fault("ec-point-raw", EcPointRaw{}),
                          standing_fault("read-only-token", ReadOnlyToken{}), slow(3)}});
}

TEST_CASE("what variables are refused for") {
    const std::string known =
        "known: PKCS11_FAULT, PKCS11_FAULT_CONTROL, PKCS11_FAULT_COUNTERS, PKCS11_FAULT_INIT_ARGS, "
        "PKCS11_FAULT_LOG, PKCS11_FAULT_MODULE, PKCS11_FAULT_PLAN, PKCS11_FAULT_PROFILE, "
        "PKCS11_FAULT_SEED";
    CHECK(refusal_of_variables({{"PKCS11_FAULT_PLAN_FILE", "x"}}) ==
          R"(unknown variable "PKCS11_FAULT_PLAN_FILE"; did you mean "PKCS11_FAULT_PLAN"? )" + known);
    CHECK(refusal_of_variables({}) ==
          "no module to stand in front of: set PKCS11_FAULT_MODULE to its path, or \"module\" in the plan");
    CHECK(refusal_of_variables({{"PKCS11_FAULT", "slow ms=1"}}).starts_with("no module"));
    CHECK(refusal_of_variables({{"PKCS11_FAULT", "slow"}})
              .starts_with(R"(PKCS11_FAULT: faults[0]: member "ms" is missing)"));
    CHECK(refusal_of_variables({{"PKCS11_FAULT_PLAN", R"({"seed": "1"})"}}) ==
          R"(PKCS11_FAULT_PLAN: seed: give a whole number from 0, not "1")");
    CHECK(refusal_of_variables({{"PKCS11_FAULT_PROFILE", "x,"}})
              .starts_with(R"(PKCS11_FAULT_PROFILE: unknown profile "x"; known: aws-cloudhsm, )"));
    CHECK(refusal_of_variables({{"PKCS11_FAULT_PROFILE", "luna-fips,"}})
              .starts_with(R"(PKCS11_FAULT_PROFILE: unknown profile ""; known: )"));
    for (const auto* const seed : {"-1", "1.5", "18446744073709551616", "0x1", " 1", "1 "}) {
        CHECK(refusal_of_variables({{"PKCS11_FAULT_SEED", seed}}) ==
              R"(PKCS11_FAULT_SEED: give a whole number from 0, not ")" + std::string(seed) + "\"");
    }
}

TEST_CASE("a plan in a file") {
    const softhsm_fixtures::TemporaryFolder folder("plan");
    const auto path = folder.path() / "plan.json";
    write(path, R"({"module": "sub/a.so", "log": "log", "control": "/control", "counters": "../counters",
                    "faults": [{"fault": "pin-pad", "pin_file": "pin"}]})");
    const Plan expected{
        .module = (folder.path() / "sub/a.so").string(),
        .log = (folder.path() / "log").string(),
        .counters = (folder.path().parent_path() / "counters").string(),
        .control = "/control",
        .faults = {standing_fault("pin-pad", PinPad{.pin_file = (folder.path() / "pin").string()})}};
    CHECK(read_plan(path.string()) == expected);
    CHECK(plan_from_variables({{"PKCS11_FAULT_PLAN", path.string()}}) == expected);
    CHECK(read_plan(fs::relative(path).string()) == expected);

    write(path, R"({"module": "libsofthsm2.so"})");
    CHECK(read_plan(path.string()) == Plan{.module = "libsofthsm2.so"});

    write(path, "{\n\"seed\": }");
    CHECK(refusal([&] {
              return read_plan(path.string());
          }).starts_with("plan \"" + path.string() + "\": not JSON at line 2, column 9: "));
    const auto missing = (folder.path() / "missing.json").string();
    CHECK(refusal([&] { return read_plan(missing); }) ==
          "plan \"" + missing + "\": cannot read: No such file or directory");
    CHECK(refusal([&] { return read_plan(folder.path().string()); }) ==
          "plan \"" + folder.path().string() + "\": cannot read: it is a folder");
    CHECK(refusal([] { return read_plan("/dev/zero"); }) == "plan \"/dev/zero\": longer than 1048576 bytes");
    CHECK(refusal([] {
              return read_plan("/dev/null");
          }).starts_with("plan \"/dev/null\": not JSON at line 1, column 1: "));
}

TEST_CASE("the environment of the process") {
    const support::Variable module("PKCS11_FAULT_MODULE", "a.so");
    const support::Variable fault("PKCS11_FAULT", "slow ms=1");
    CHECK(plan_from_environment() == Plan{.module = "a.so", .faults = {slow(1)}});
    const support::Variable unknown("PKCS11_FAULT_X", "1");
    CHECK(refusal([] {
              return plan_from_environment();
          }).starts_with(R"(unknown variable "PKCS11_FAULT_X"; )"));
}

TEST_CASE("control lines") {
    using Kind = Command::Kind;
    const auto add = [](std::vector<Fault> faults) {
        return Command{.kind = Kind::add, .faults = std::move(faults), .cleared = {}};
    };
    CHECK(parse_command(R"({"fault": "slow", "ms": 1, "every": 2})") ==
          add({call_fault("slow", {.functions = every_function(), .every = 2}, Slow{{.first = 1}})}));
    CHECK(parse_command(R"({"faults": [{"fault": "read-only-token"}, {"fault": "ec-point-raw"}]})") ==
          add({standing_fault("read-only-token", ReadOnlyToken{}),
               standing_fault("ec-point-raw", EcPointRaw{})}));
    CHECK(parse_command(R"({"profile": ["raw-ec-point", "nethsm"]})") ==
          add(parse_plan(R"({"profile": ["raw-ec-point", "nethsm"]})").faults));
    CHECK(parse_command(R"({"clear": "all"})") ==
          Command{.kind = Kind::clear, .faults = {}, .cleared = "all"});
    CHECK(parse_command(R"({"clear": "interface-2.40"})") ==
          Command{.kind = Kind::clear, .faults = {}, .cleared = "interface-2.40"});
    CHECK(parse_command("slow ms=1 every=2; read-only-token") ==
          parse_command(R"({"faults": [{"fault": "slow", "ms": 1, "every": 2}, {"fault": "read-only-token"}]})"));
    CHECK(parse_command(R"( {"release": "hangs"} )") ==
          Command{.kind = Kind::release_hangs, .faults = {}, .cleared = {}});
    CHECK(parse_command(R"({"insert": "device"})") ==
          Command{.kind = Kind::insert_device, .faults = {}, .cleared = {}});
    CHECK(parse_command(R"({"reset": "counters"})") ==
          Command{.kind = Kind::reset_counters, .faults = {}, .cleared = {}});
}

TEST_CASE("a fault on a control line that does not say when comes once, at the next call") {
    const auto one = [](const std::string& line) { return parse_command(line).faults.at(0); };
    for (const auto* const line : {R"({"fault": "return", "rv": "CKR_PIN_EXPIRED"})",
                                   R"({"fault": "slow", "ms": 1})", R"({"fault": "hang"})"}) {
        CAPTURE(line);
        CHECK(one(line).trigger == std::nullopt);
    }
    CHECK(one(R"({"fault": "return", "rv": "CKR_PIN_EXPIRED"})").what ==
          std::variant<CallFault, StandingFault>(CallFault(ReturnValue{0xa3})));
    CHECK(one(R"({"fault": "session-lost"})").trigger ==
          Trigger{.functions = functions_with("s"), .times = 1});
    CHECK(one(R"({"fault": "device-removed", "ms": 1})").trigger ==
          Trigger{.functions = functions_with("sl"), .times = 1});
    CHECK(one(R"({"fault": "pin-rejected"})").trigger ==
          Trigger{.functions = functions({Function::C_Login, Function::C_LoginUser}), .times = 1});
    CHECK(one(R"({"fault": "corrupt-signature"})").trigger ==
          Trigger{.functions = functions({Function::C_Sign, Function::C_SignFinal, Function::C_SignMessage,
                                          Function::C_SignMessageNext}),
                  .times = 1,
                  .moment = Moment::after});
    CHECK(parse_command(R"({"faults": [{"fault": "hang"}]})").faults.at(0).trigger == std::nullopt);
    // Any word about when makes it as in a plan.
    CHECK(one(R"({"fault": "hang", "function": "C_Sign"})").trigger ==
          Trigger{.functions = functions({Function::C_Sign})});
    CHECK(one(R"({"fault": "corrupt-signature", "when": "after"})").trigger->times == std::nullopt);
}

TEST_CASE("control lines that are refused") {
    const std::string known = "known: fault, faults, profile, clear, release, insert, reset";
    CHECK(refusal_of_command("") ==
          "not JSON at line 1, column 1: syntax error while parsing value - unexpected end of input; "
          "expected '[', '{', or a literal");
    CHECK(refusal_of_command("[]") == "give an object in braces, not []");
    CHECK(refusal_of_command("{}") == "give one member, not 0; " + known);
    CHECK(refusal_of_command(R"({"clear": "all", "reset": "counters"})") ==
          "give one member, not 2; " + known);
    CHECK(refusal_of_command(R"({"clera": "all"})") ==
          R"(unknown command "clera"; did you mean "clear"? )" + known);
    CHECK(without_list(refusal_of_command(R"({"clear": "slwo"})")) ==
          R"(clear: unknown fault "slwo"; did you mean "slow"?)");
    CHECK(refusal_of_command(R"({"clear": 1})") == "clear: give text, not 1");
    CHECK(refusal_of_command(R"({"release": "all"})") == R"(release: unknown word "all"; known: hangs)");
    CHECK(refusal_of_command(R"({"insert": "token"})") == R"(insert: unknown word "token"; known: device)");
    CHECK(refusal_of_command(R"({"reset": "log"})") == R"(reset: unknown word "log"; known: counters)");
    CHECK(without_list(refusal_of_command(R"({"fault": "slwo"})")) ==
          R"(fault: unknown fault "slwo"; did you mean "slow"?)");
    CHECK(refusal_of_command(R"({"fault": {"fault": "slow"}})")
              .starts_with("fault: give the name of a fault; known: return, "));
    CHECK(refusal_of_command(R"({"fault": "return", "when": "after"})") ==
          R"(member "function" is missing: name a function, a list of them, or "all")");
    CHECK(without_list(refusal_of_command(R"({"fault": "slow", "ms": 1, "clear": "all"})")) ==
          R"(unknown member "clear";)");
    CHECK(refusal_of_command(R"({"faults": []})") == "faults: the list is empty: leave the member out");
}
