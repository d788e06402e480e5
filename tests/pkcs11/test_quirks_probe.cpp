// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/quirks/probe.hpp>
#include <support/raises.hpp>

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/catch2_modules.hpp>
#include <softhsm_fixtures/fault_module.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

using namespace keyway;
using namespace keyway::pkcs11;
using softhsm_fixtures::FaultModule;
using softhsm_fixtures::SoftHsmFixture;

namespace {

/// A SoftHSM token, behind the fault module where a test wants it otherwise than it is.
class Probed : public SoftHsmFixture {
public:
    Probed() = default;

    /// With keys: a list as in the test kit's content.md.
    explicit Probed(const std::string& content)
        : SoftHsmFixture(softhsm_fixtures::TokenOptions{.content = softhsm_fixtures::TokenContent::parse(content)}) {}

    [[nodiscard]] ProbeOptions options() {
        ProbeOptions options;
        options.pin = [this] { return Secret(token().user_pin()); };
        options.make_session_keys = true;
        options.repeats = 1;
        options.longest_message = 4096;
        return options;
    }

    [[nodiscard]] ProbeReport probe(const ProbeOptions& options) { return probe_of(token().module_path().string(), options); }

    [[nodiscard]] ProbeReport probe_of(const std::string& module, const ProbeOptions& options) {
        TokenSelector selector;
        selector.label = token().label();
        return probe_token({module}, selector, options);
    }

    /// With a plan of the fault module.
    [[nodiscard]] ProbeReport probe_with(const std::string& faults, const ProbeOptions& options) {
        const FaultModule module(token().module_path(), {.plan = R"({"faults": [)" + faults + "]}"});
        return probe_of(module.path().string(), options);
    }

    [[nodiscard]] ProbeReport probe_with(const std::string& faults) { return probe_with(faults, options()); }
};

const SigningFinding& finding(const ProbeReport& report, std::string_view mechanism) {
    const auto found = std::ranges::find(report.signing, mechanism, &SigningFinding::mechanism);
    REQUIRE(found != report.signing.end());
    return *found;
}

std::vector<std::string> working(const ProbeReport& report) {
    std::vector<std::string> names;
    for(const auto& signing : report.signing) {
        if(signing.works) {
            names.push_back(signing.mechanism);
        }
    }
    return names;
}

/// The profile as the setting `quirks` reads it.
QuirkProfile profile_of(const ProbeReport& report) {
    return parse_quirks(measured_profile(report, "measured", "2030-01-01T00:00:00Z"), "measured.json");
}

std::map<std::string, std::string> lines_of(const ProbeReport& report) {
    std::map<std::string, std::string> lines;
    for(const auto& line : profile_of(report).lines) {
        CHECK(line.source.find(" on 2030-01-01T00:00:00Z") != std::string::npos);
        lines[line.name] = line.value;
    }
    return lines;
}

using Lines = std::map<std::string, std::string>;

/// What SoftHSM 2.6 itself is found to do otherwise.
const Lines lines_of_softhsm{
    {"ec-point", "\"der\""},
    {"edwards-point", "\"der\""},
    {"missing-attributes", R"({"private-key":["CKA_PUBLIC_KEY_INFO","CKA_EC_POINT"],"public-key":["CKA_PUBLIC_KEY_INFO"]})"},
};

Lines changed(Lines lines, const Lines& changes) {
    for(const auto& [name, value] : changes) {
        lines[name] = value;
    }
    return lines;
}

std::size_t objects_in(SoftHsmFixture& softhsm) {
    std::size_t count = 0;
    for(const auto& entry : std::filesystem::recursive_directory_iterator(softhsm.token().directory())) {
        count += entry.path().extension() == ".object" ? 1U : 0U;
    }
    return count;
}

}  // namespace

TEST_CASE_METHOD(Probed, "SoftHSM is measured: what it offers, how it signs, what it lacks") {
    auto wanted = options();
    wanted.sessions = 30;
    const auto before = objects_in(*this);
    const auto report = probe(wanted);
    CHECK(objects_in(*this) == before);

    CHECK(report.module.manufacturer == "SoftHSM");
    CHECK(report.token.label == token().label());
    CHECK_FALSE(report.interfaces);  // 2.6 is a module of PKCS#11 2.40
    CHECK(std::ranges::find(report.mechanisms, "CKM_EDDSA") != report.mechanisms.end());
    CHECK(working(report) == std::vector<std::string>{"CKM_RSA_PKCS", "CKM_SHA256_RSA_PKCS", "CKM_SHA384_RSA_PKCS",
                                                      "CKM_SHA512_RSA_PKCS", "CKM_RSA_PKCS_PSS", "CKM_SHA256_RSA_PKCS_PSS",
                                                      "CKM_SHA384_RSA_PKCS_PSS", "CKM_SHA512_RSA_PKCS_PSS", "CKM_ECDSA",
                                                      "CKM_EDDSA"});
    CHECK(finding(report, "CKM_ECDSA").time.count() > 0);
    CHECK(finding(report, "CKM_ECDSA_SHA256").answer == "CKR_MECHANISM_INVALID");
    CHECK_FALSE(finding(report, "CKM_ECDSA_SHA256").listed);

    CHECK(report.copy_object == "CKR_OK");
    CHECK(report.state_before_login == "CKS_RO_PUBLIC_SESSION");
    CHECK(report.state_after_login == "CKS_RO_USER_FUNCTIONS");
    CHECK(report.second_login == "CKR_USER_ALREADY_LOGGED_IN");
    CHECK(report.sessions == 30);
    CHECK(report.session_answer.empty());
    CHECK(report.notes == std::vector<std::string>{});
    for(const auto& limit : report.data_limits) {
        CHECK(limit.bytes == wanted.longest_message);
        CHECK(limit.answer.empty());
    }
    CHECK(report.data_limits.size() == 3);
    CHECK(report.times.size() == 7);
    CHECK(lines_of(report) == lines_of_softhsm);

    const auto profile = profile_of(report);
    CHECK(profile.name == "measured");
    REQUIRE(profile.match.size() == 1);
    CHECK(profile.match[0].manufacturer == "SoftHSM project");
    CHECK(profile.match[0].library_description == "Implementation of PKCS11");
}

TEST_CASE_METHOD(Probed, "without leave to make keys, nothing is made and no signature is tried") {
    auto wanted = options();
    wanted.make_session_keys = false;
    const FaultModule module(token().module_path());
    const auto report = probe_of(module.path().string(), wanted);
    CHECK(module.calls("C_GenerateKeyPair") == 0);
    CHECK(module.calls("C_CreateObject") == 0);
    CHECK(module.calls("C_CopyObject") == 0);
    CHECK(module.calls("C_SignInit") == 0);
    CHECK(module.calls("C_Login") == 2);
    CHECK(report.signing.empty());
    CHECK(report.copy_object.empty());
    CHECK(lines_of(report) == Lines{});

    wanted.key_label = "any";
    CHECK_RAISES(probe(wanted), Errc::invalid_argument);
}

TEST_CASE_METHOD(Probed, "a wrong PIN is given once and no more") {
    auto wanted = options();
    wanted.pin = [] { return Secret("wrong-pin"); };
    const FaultModule module(token().module_path());
    CHECK_RAISES(probe_of(module.path().string(), wanted), Errc::pin_incorrect);
    CHECK(module.calls("C_Login") == 1);
}

TEST_CASE_METHOD(Probed, "a token that hashes itself, and no other way, is found to be one") {
    const auto report = probe_with(R"({"fault": "mechanisms-hidden",
        "mechanisms": ["CKM_RSA_PKCS", "CKM_RSA_X_509", "CKM_RSA_PKCS_PSS", "CKM_ECDSA"]})");
    CHECK(finding(report, "CKM_RSA_PKCS").answer == "CKR_MECHANISM_INVALID");
    CHECK_FALSE(finding(report, "CKM_RSA_PKCS").listed);
    CHECK(finding(report, "CKM_SHA256_RSA_PKCS").works);
    CHECK(lines_of(report) == changed(lines_of_softhsm, {{"hash-in-token", "true"}}));
    CHECK(profile_of(report).hash_in_token);
}

TEST_CASE_METHOD(Probed, "a mechanism that is listed and fails is one to avoid") {
    const auto report = probe_with(R"({"fault": "corrupt-signature", "at": 1})");
    CHECK(finding(report, "CKM_RSA_PKCS").answer == "wrong signature");
    CHECK(lines_of(report) == changed(lines_of_softhsm, {{"avoid-mechanisms", R"(["CKM_RSA_PKCS"])"}}));
    CHECK(profile_of(report).avoids_mechanism("CKM_RSA_PKCS"));
}

TEST_CASE_METHOD(Probed, "bare points are found to be bare") {
    const auto report = probe_with(R"({"fault": "ec-point-raw"})");
    CHECK(lines_of(report) == changed(lines_of_softhsm, {{"ec-point", "\"raw\""}, {"edwards-point", "\"raw\""}}));
    CHECK(finding(report, "CKM_ECDSA").works);
    CHECK(profile_of(report).ec_point == EcPointForm::raw);
}

TEST_CASE_METHOD(Probed, "a limit of sessions is told by the token, or found by opening them") {
    const auto announced = probe_with(R"({"fault": "session-cap", "sessions": 8, "announced": true})");
    CHECK(announced.token.most_sessions == 8);
    CHECK_FALSE(announced.sessions);
    CHECK(profile_of(announced).most_sessions == 8);

    auto wanted = options();
    wanted.sessions = 50;
    const auto hidden = probe_with(R"({"fault": "session-cap", "sessions": 7, "announced": false})", wanted);
    CHECK_FALSE(hidden.token.most_sessions);
    CHECK(hidden.sessions == 7);
    CHECK(hidden.session_answer == "CKR_SESSION_COUNT");
    CHECK(profile_of(hidden).most_sessions == 7);
}

TEST_CASE_METHOD(Probed, "a limit of data is found to the byte") {
    const auto report = probe_with(R"({"fault": "data-limit", "bytes": 1001})");
    REQUIRE(report.data_limits.size() == 3);
    for(const auto& limit : report.data_limits) {
        INFO(limit.mechanism);
        CHECK(limit.bytes == 1001);
        CHECK(limit.answer == "CKR_DATA_LEN_RANGE");
    }
    const auto profile = profile_of(report);
    CHECK(profile.data_limit("CKM_EDDSA") == 1001);
    CHECK(profile.data_limit("CKM_SHA256_RSA_PKCS") == 1001);
    CHECK_FALSE(profile.data_limit("CKM_ECDSA"));
}

TEST_CASE_METHOD(Probed, "the interfaces of the module are told") {
    auto wanted = options();
    wanted.make_session_keys = false;
    const auto interfaces = [&](const softhsm_fixtures::FaultOptions& faults) {
        const FaultModule module(token().module_path(), faults);
        return probe_of(module.path().string(), wanted).interfaces;
    };
    CHECK(interfaces({}) == std::vector<std::string>{"PKCS 11 2.40"});
    CHECK(interfaces({.old_interface = true}) == std::nullopt);
}

TEST_CASE_METHOD(Probed, "attributes that are not given are missing ones") {
    const auto report =
        probe_with(R"({"fault": "attributes-withheld", "attributes": ["CKA_ID", "CKA_EC_POINT"], "classes": "CKO_PUBLIC_KEY"})");
    CHECK(profile_of(report).missing_attributes.public_key ==
          std::vector<std::string>{"CKA_ID", "CKA_PUBLIC_KEY_INFO", "CKA_EC_POINT"});
    CHECK_FALSE(report.ec_point);
    // Signatures are made, and nobody can tell whether they are right.
    CHECK(finding(report, "CKM_ECDSA").works);
    REQUIRE(report.notes.size() == 2);
    CHECK(report.notes[0].find("signatures by P-256 were not verified") == 0);
}

TEST_CASE_METHOD(Probed, "attributes that a template may not have are found one by one") {
    // The first call has all attributes, the second the needed ones; then each of the others is tried alone.
    const FaultModule module(token().module_path(), {.plan = R"({"faults": [{"fault": "return",
        "function": "C_GenerateKeyPair", "rv": "CKR_TEMPLATE_INCONSISTENT", "at": [1, 4, 17]}]})"});
    const auto report = probe_of(module.path().string(), options());
    const auto succeeded = [&](const char* function) { return module.calls(function) - module.failed_calls(function); };
    CHECK(module.failed_calls("C_GenerateKeyPair") == 3);
    CHECK(succeeded("C_DestroyObject") == 2 * succeeded("C_GenerateKeyPair") + succeeded("C_CopyObject"));
    CHECK(report.refused_attributes.generate_public == std::vector<std::string>{"CKA_ID"});
    CHECK(report.refused_attributes.generate_private == std::vector<std::string>{"CKA_DERIVE"});
    CHECK(profile_of(report).refused_attributes.generate_public == std::vector<std::string>{"CKA_ID"});
    CHECK(finding(report, "CKM_RSA_PKCS").works);
}

TEST_CASE_METHOD(Probed, "C_CopyObject is tried, and a copy compared with a key of the token") {
    const auto refused = probe_with(R"({"fault": "return", "function": "C_CopyObject", "rv": "CKR_FUNCTION_NOT_SUPPORTED"})");
    CHECK(refused.copy_object == "CKR_FUNCTION_NOT_SUPPORTED");
    CHECK(profile_of(refused).lacks_function("C_CopyObject"));

    auto wanted = options();
    wanted.key_label = "absent";
    CHECK_RAISES(probe(wanted), Errc::key_not_found);
}

TEST_CASE("a session copy of a key of the token is compared with it") {
    Probed probed(R"([{"type": "ec", "curve": "P-256", "label": "signing"}, {"type": "aes", "label": "other"}])");
    auto wanted = probed.options();
    wanted.key_label = "signing";
    wanted.repeats = 5;
    const auto before = objects_in(probed);
    const auto report = probed.probe(wanted);
    REQUIRE(report.copy_speed);
    CHECK(*report.copy_speed > 0.2);
    CHECK(*report.copy_speed < 20);
    CHECK(report.notes.empty());
    CHECK(objects_in(probed) == before);

    const auto refused =
        probed.probe_with(R"({"fault": "return", "function": "C_CopyObject", "rv": "CKR_ACTION_PROHIBITED"})", wanted);
    CHECK_FALSE(refused.copy_speed);
    CHECK(refused.notes == std::vector<std::string>{"the key \"signing\" was not copied: CKR_ACTION_PROHIBITED"});
}

TEST_CASE("a token of NSS softokn is measured, and is what its profile says") {
    softhsm_fixtures::TestTokenFixture fixture(softhsm_fixtures::require_module("nss-softokn"));
    auto& nss = fixture.token();
    // Behind the fault module, which hands NSS the string that it wants from C_Initialize.
    nlohmann::json plan{{"init_arguments", nss.init_arguments()}};
    TokenSelector selector;
    selector.label = nss.details().label;
    ProbeOptions options;
    options.pin = [&] { return Secret(nss.details().user_pin); };
    options.repeats = 1;
    options.longest_message = 4096;
    const auto probe = [&] {
        const FaultModule module(nss.module_path(), {.plan = plan.dump()});
        return probe_token({module.path().string()}, selector, options);
    };
    options.make_session_keys = true;
    const auto report = probe();
    const auto is_newer = [](const std::string& name) { return name.starts_with("PKCS 11 3."); };
    REQUIRE(report.interfaces);
    CHECK(std::ranges::any_of(*report.interfaces, is_newer));
    options.make_session_keys = false;
    plan["faults"] = {{{"fault", "interface-2.40"}}};
    CHECK(std::ranges::none_of(probe().interfaces.value(), is_newer));

    const auto* const known = find_quirks(report.token, report.module);
    REQUIRE(known != nullptr);
    CHECK(known->name == "nss-softokn");
    CHECK(finding(report, "CKM_RSA_PKCS").works);
    CHECK(finding(report, "CKM_ECDSA").works);
    CHECK(finding(report, "CKM_ECDSA_SHA256").works);
    const auto profile = profile_of(report);
    for(const auto& attribute : known->missing_attributes.private_key) {
        CHECK(std::ranges::count(profile.missing_attributes.private_key, attribute) == 1);
    }
    if(finding(report, "CKM_EDDSA").listed) {  // from NSS 3.99 on
        CHECK(finding(report, "CKM_EDDSA").works);
        CHECK(profile.exact_signature_buffer == known->exact_signature_buffer);
        CHECK(profile.edwards_point == known->edwards_point);
    }
}
