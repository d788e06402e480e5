// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/key/backend_registry.hpp>
#include <support/raises.hpp>

#include <botan/pk_keys.h>

using namespace keyway;

namespace {

/// A backend that holds nothing, to see what a backend is given.
class EmptyBackend final : public KeyBackend {
public:
    EmptyBackend(const BackendAlias& alias, std::shared_ptr<const OptionTable> table, OptionValues values)
        : KeyBackend(alias, std::move(table), std::move(values)) {}

    CreatedKey create(const KeySpec& spec, const OptionValues& call) override {
        seen = completed(Phase::create, call);
        require_offered(spec);
        throw Error(Errc::unsupported, "holds nothing");
    }
    KeyRef store(const Botan::Private_Key&, const OptionValues&) override {
        throw Error(Errc::unsupported, "holds nothing");
    }
    std::unique_ptr<Botan::Private_Key> use(const KeyRef& ref, const OptionValues&) const override {
        require_own(ref, "empty");
        throw Error(Errc::key_not_found, "holds nothing");
    }
    std::optional<Error> check(const KeyRef&, const OptionValues&) const override { return std::nullopt; }
    const BackendCapabilities& capabilities() const override { return nothing_; }

    OptionValues seen;

private:
    BackendCapabilities nothing_;
};

BackendType empty_backend() {
    return {.name = "empty",
            .title = "holds nothing",
            .options = std::make_shared<const OptionTable>(std::initializer_list<OptionSpec>{
                {.name = "place", .type = OptionType::text, .phases = {Phase::settings}, .default_value = {}, .help = ""},
                {.name = "label", .type = OptionType::text, .phases = {Phase::create}, .default_value = {}, .help = ""},
                {.name = "pin", .type = OptionType::secret_source, .phases = {Phase::settings, Phase::create},
                 .default_value = {}, .help = ""}}),
            .open = [](const BackendAlias& alias, std::shared_ptr<const OptionTable> table, OptionValues settings,
                       const BackendContext&) -> std::unique_ptr<KeyBackend> {
                return std::make_unique<EmptyBackend>(alias, std::move(table), std::move(settings));
            }};
}

BackendRegistry registry() {
    BackendRegistry out;
    out.add(empty_backend());
    return out;
}

std::unique_ptr<KeyBackend> open(std::string_view json) {
    return registry().open(Settings::parse(json, "s"), BackendAlias("a"), {});
}

}  // namespace

TEST_CASE("a backend is opened from its settings and outlives the registry") {
    const auto backend = open(R"({"backends": {"a": {"type": "empty", "place": "here", "pin": "env:PIN"}}})");
    CHECK(backend->alias() == BackendAlias("a"));
    auto& empty = dynamic_cast<EmptyBackend&>(*backend);
    CHECK_RAISES(empty.create(KeySpec::rsa(2048), {}), Errc::unsupported);
    CHECK(empty.seen.secret_source("pin") == SecretSource::parse("env:PIN"));
    CHECK_FALSE(empty.seen.has("place"));
}

TEST_CASE("settings that do not fit the type's options are refused") {
    CHECK_RAISES(open(R"({"backends": {"a": {"type": "empty", "plaice": "here"}}})"), Errc::invalid_option);
    CHECK_RAISES(open(R"({"backends": {"a": {"type": "empty", "label": "root"}}})"), Errc::invalid_option);
    CHECK_RAISES(open(R"({"backends": {"a": {"type": "empty", "pin": "1234"}}})"), Errc::invalid_option);
    CHECK_RAISES(open(R"({"backends": {"a": {"type": "emptyy"}}})"), Errc::backend_not_found);
    CHECK_RAISES(open(R"({"backends": {"b": {"type": "empty"}}})"), Errc::backend_not_found);
    auto twice = registry();
    CHECK_RAISES(twice.add(empty_backend()), Errc::already_exists);
}

TEST_CASE("call options of another phase, and references of another type, are refused") {
    const auto backend = open(R"({"backends": {"a": {"type": "empty"}}})");
    const auto table = empty_backend().options;
    OptionValues call;
    call.set(*table->find("place"), {.value = "x", .form = RawOption::Form::text, .origin = {}});
    CHECK_RAISES(backend->create(KeySpec::rsa(2048), call), Errc::invalid_option);
    const KeyRef foreign(BackendAlias("a"), "hsm", KeySpec::rsa(2048), SpkiFingerprint::parse(std::string(64, '0')), {});
    CHECK_RAISES(backend->use(foreign, {}), Errc::key_mismatch);
}

TEST_CASE("a type that the build is without is told with how to get it, and by no other error than its own") {
    auto lean = registry();
    lean.add_left_out({.name = "vault", .title = "keys in a vault", .how = "build with -Dvault=enabled"});
    CHECK_FALSE(lean.knows("vault"));
    CHECK(lean.types().size() == 1);
    REQUIRE(lean.left_out().size() == 1);
    CHECK(lean.left_out().front().title == "keys in a vault");
    const auto settings = Settings::parse(R"({"backends": {"a": {"type": "vault", "any": "thing"}}})", "s");
    const BackendAlias alias("a");
    const auto faults = lean.faults(settings, alias);
    REQUIRE(faults.size() == 1);
    CHECK(faults.front().code() == Errc::unsupported);
    CHECK(faults.front().message() == "this build of Keyway has no backends of type \"vault\"");
    CHECK(faults.front().hint() == "build with -Dvault=enabled");
    CHECK(faults.front().backend() == "a");
    CHECK_RAISES(lean.open(settings, alias, {}), Errc::unsupported);
    CHECK_RAISES(lean.type("valt"), Errc::backend_not_found);
    CHECK_RAISES(lean.add_left_out({.name = "vault", .title = "", .how = ""}), Errc::already_exists);
    CHECK_RAISES(lean.add_left_out({.name = "empty", .title = "", .how = ""}), Errc::already_exists);
}
