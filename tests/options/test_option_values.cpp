// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/options/option_values.hpp>
#include <support/raises.hpp>

#include <string>

using namespace keyway;

namespace {

const OptionTable& table() {
    static const OptionTable instance{
        {.name = "path", .type = OptionType::path, .phases = {Phase::settings}, .default_value = {}, .help = "where"},
        {.name = "label", .type = OptionType::text, .phases = {Phase::create}, .default_value = {}, .help = "name"},
        {.name = "rounds", .type = OptionType::number, .phases = {Phase::settings, Phase::create},
         .default_value = "3", .help = "how many"},
        {.name = "extractable", .type = OptionType::flag, .phases = {Phase::create}, .default_value = "false",
         .help = "may leave"},
        {.name = "pin", .type = OptionType::secret_source, .phases = {Phase::settings, Phase::use},
         .default_value = {}, .help = "the PIN's source"},
    };
    return instance;
}

RawOption text(std::string value) {
    return {.value = std::move(value), .form = RawOption::Form::text, .origin = {OptionOrigin::Kind::call, "--flag"}};
}

OptionValues check(Phase phase, const RawOptions& raw) {
    return OptionValues::check(table(), phase, raw, "backend \"b\"");
}

}  // namespace

TEST_CASE("values are parsed to the type of their option") {
    const auto values = check(Phase::create, {{"label", text("root")}, {"rounds", text("7")}, {"extractable", text("true")}});
    CHECK(values.text("label") == "root");
    CHECK(values.number("rounds") == 7U);
    CHECK(values.flag("extractable"));
    CHECK(values.text("missing") == std::nullopt);
    CHECK(check(Phase::use, {{"pin", text("env:PIN")}}).secret_source("pin") == SecretSource::parse("env:PIN"));
    CHECK_RAISES(values.number("label"), Errc::internal);
}

TEST_CASE("an unknown option is refused with the name it may have meant") {
    const auto error = test::raised([] { return check(Phase::create, {{"lable", text("root")}}); });
    CHECK(error.code() == Errc::invalid_option);
    CHECK(error.message() == "backend \"b\" has no option \"lable\" (--flag)");
    CHECK(error.hint() == "did you mean \"label\"?");
}

TEST_CASE("an option in the wrong place is refused with the right place") {
    const auto error = test::raised([] { return check(Phase::create, {{"path", text("/keys")}}); });
    CHECK(error.code() == Errc::invalid_option);
    CHECK(error.message() == "the option \"path\" of backend \"b\" does not belong in create (--flag)");
    CHECK(error.hint() == "it belongs in: settings");
}

TEST_CASE("a value of the wrong form is refused") {
    const RawOption number{.value = "5", .form = RawOption::Form::number, .origin = {}};
    const RawOption flag{.value = "true", .form = RawOption::Form::flag, .origin = {}};
    for(const auto* bad : {"", "-1", "1.5", "0x10", "18446744073709551616", "7 "}) {
        CHECK_RAISES(check(Phase::create, {{"rounds", text(bad)}}), Errc::invalid_option);
    }
    CHECK_RAISES(check(Phase::create, {{"rounds", flag}}), Errc::invalid_option);
    CHECK_RAISES(check(Phase::create, {{"extractable", text("yes")}}), Errc::invalid_option);
    CHECK_RAISES(check(Phase::create, {{"extractable", number}}), Errc::invalid_option);
    CHECK_RAISES(check(Phase::create, {{"label", number}}), Errc::invalid_option);
    CHECK_RAISES(check(Phase::create, {{"label", text("\xff")}}), Errc::invalid_option);
    CHECK_RAISES(check(Phase::settings, {{"path", text("")}}), Errc::invalid_option);
    CHECK(check(Phase::create, {{"rounds", number}}).number("rounds") == 5U);
}

TEST_CASE("a secret given for its source is refused and never repeated") {
    const auto error = test::raised([] { return check(Phase::use, {{"pin", text("hunter2")}}); });
    CHECK(error.code() == Errc::invalid_option);
    CHECK(error.message().find("hunter2") == std::string::npos);
    CHECK(error.hint().find("hunter2") == std::string::npos);
}

TEST_CASE("call comes before settings before default, and each value knows where it came from") {
    const auto settings = check(Phase::settings, {{"rounds", text("5")}, {"path", text("/keys")}});
    const auto call = check(Phase::create, {{"label", text("root")}});

    const auto all = call.completed(table(), Phase::create, settings);
    CHECK(all.number("rounds") == 5U);
    CHECK_FALSE(all.has("path"));  // belongs to the settings only
    CHECK(all.find("extractable")->origin.kind == OptionOrigin::Kind::default_value);
    CHECK(all.find("label")->origin.place == "--flag");

    CHECK(check(Phase::create, {{"rounds", text("9")}}).completed(table(), Phase::create, settings).number("rounds") == 9U);
    CHECK(OptionValues().completed(table(), Phase::create, {}).number("rounds") == 3U);
}

TEST_CASE("values travel as JSON to another process and back") {
    const auto values = check(Phase::use, {{"pin", text("file:/run/pin")}});
    CHECK(values.to_json() == R"({"pin":"file:/run/pin"})");
    const auto back = OptionValues::from_json(table(), Phase::use, values.to_json(), "backend \"b\"");
    CHECK(back.secret_source("pin") == values.secret_source("pin"));

    const auto create = OptionValues::from_json(
        table(), Phase::create, R"({"label": "root", "rounds": 4, "extractable": true})", "backend \"b\"");
    CHECK(create.to_json() == R"({"extractable":true,"label":"root","rounds":4})");
}

TEST_CASE("JSON that is damaged or holds other things is refused") {
    const auto parse = [](const char* json) { return OptionValues::from_json(table(), Phase::create, json, "backend"); };
    CHECK_RAISES(parse("{"), Errc::malformed_data);
    CHECK_RAISES(parse("[]"), Errc::malformed_data);
    CHECK_RAISES(parse(R"({"label": "a", "label": "b"})"), Errc::malformed_data);
    CHECK_RAISES(parse(R"({"label": null})"), Errc::invalid_option);
    CHECK_RAISES(parse(R"({"label": ["a"]})"), Errc::invalid_option);
    CHECK_RAISES(parse(R"({"rounds": -4})"), Errc::invalid_option);
    CHECK_RAISES(parse(R"({"rounds": 4.5})"), Errc::invalid_option);
}

TEST_CASE("a table with a bad name or default is a fault found when it is made") {
    const auto table_of = [](const char* name, const char* default_value) {
        return OptionTable{{.name = name, .type = OptionType::number, .phases = {Phase::use},
                            .default_value = default_value, .help = ""}};
    };
    CHECK_RAISES(table_of("Rounds", "1"), Errc::internal);
    CHECK_RAISES(table_of("", "1"), Errc::internal);
    CHECK_RAISES(table_of("rounds", "many"), Errc::invalid_option);
    const OptionSpec twice{.name = "a", .type = OptionType::text, .phases = {}, .default_value = {}, .help = ""};
    CHECK_RAISES(OptionTable({twice, twice}), Errc::internal);
}
