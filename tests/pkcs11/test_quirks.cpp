// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/quirks/quirk_numbers_internal.hpp>
#include <keyway/pkcs11/quirks/quirks.hpp>
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <softhsm_fixtures/catch2.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

using namespace keyway;
using namespace keyway::pkcs11;

namespace {

TokenInfo token(const std::string& manufacturer, const std::string& model) {
    TokenInfo info;
    info.manufacturer = manufacturer;
    info.model = model;
    return info;
}

std::string name_of(const QuirkProfile* profile) {
    return profile == nullptr ? "none" : profile->name;
}

/// A whole profile around one line.
std::string with_line(const std::string& quirk, const std::string& rest = R"(, "reason": "r", "source": "s")") {
    return R"({"name": "n", "summary": "s", "quirks": [{)" + quirk + rest + "}]}";
}

QuirkProfile parsed(const std::string& json) {
    return parse_quirks(json, "test.json");
}

std::string said(const std::string& json) {
    const auto error = test::raised([&] { return parsed(json); });
    CHECK((error.code() == Errc::invalid_option || error.code() == Errc::malformed_data));
    return error.message() + " | " + error.hint();
}

std::vector<std::string> files_in(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for(const auto& entry : std::filesystem::directory_iterator(folder)) {
        if(entry.path().extension() == ".json") {
            names.push_back(entry.path().stem().string());
        }
    }
    std::ranges::sort(names);
    return names;
}

}  // namespace

TEST_CASE("every profile of the data folder is known, and each of its lines has a reason and a source") {
    std::vector<std::string> names;
    for(const auto& profile : known_quirks()) {
        INFO(profile.name);
        names.push_back(profile.name);
        CHECK_FALSE(profile.lines.empty());
        for(const auto& line : profile.lines) {
            INFO(line.name);
            const bool names_source = line.source.starts_with("https://") || line.source.starts_with("measured with ") ||
                                      line.source.find("technical note") != std::string::npos;
            CHECK(names_source);
            CHECK_FALSE(line.reason.ends_with('.'));
        }
    }
    CHECK(names == files_in(KEYWAY_QUIRKS));
    CHECK(names.size() >= 15);
}

TEST_CASE("the profile of a token is chosen by what it and its module say") {
    const ModuleInfo other{.file = "lib.so", .manufacturer = "m", .description = "d", .version = "1.0"};
    const auto library = [&](const std::string& manufacturer, const std::string& description) {
        return ModuleInfo{.file = "lib.so", .manufacturer = manufacturer, .description = description, .version = "1.0"};
    };
    const auto file = [&](const std::string& name) {
        return ModuleInfo{.file = name, .manufacturer = "m", .description = "d", .version = "1.0"};
    };
    const std::string opensc = "OpenSC smartcard framework";
    CHECK(name_of(find_quirks(token("SoftHSM project", "SoftHSM v2"), other)) == "softhsm2");
    CHECK(name_of(find_quirks(token("SoftHSM project", "SoftHSM v3"), other)) == "none");
    CHECK(name_of(find_quirks(token("Mozilla Foundation", "NSS 3"), other)) == "nss-softokn");
    CHECK(name_of(find_quirks(token("Yubico (www.yubico.com)", "YubiHSM"), other)) == "yubihsm2");
    CHECK(name_of(find_quirks(token("Yubico (www.yubico.com)", "YubiKey YK5"), other)) == "ykcs11");
    CHECK(name_of(find_quirks(token("nCipher Corp. Ltd", ""), other)) == "nshield");
    CHECK(name_of(find_quirks(token("Google", "Cloud KMS Token"), other)) == "google-cloud-kms");
    CHECK(name_of(find_quirks(token("IBM", "Soft"), library("IBM", "openCryptoki"))) == "opencryptoki");
    // A TPM emulator made by IBM is none of IBM's tokens.
    CHECK(name_of(find_quirks(token("IBM", "SW   TPM"), library("tpm2-software.github.io", "TPM2.0 Cryptoki"))) ==
          "tpm2-pkcs11");
    CHECK(name_of(find_quirks(token("x", "y"), library("Nitrokey", "Nitrokey NetHsm PKCS#11 library"))) == "nethsm");
    CHECK(name_of(find_quirks(token("x", "y"), library("z", "Kryoptic PKCS11 Module"))) == "kryoptic");
    // The card says more than its driver.
    CHECK(name_of(find_quirks(token("piv_II", "PKCS#15 emulated"), library("OpenSC Project", opensc))) == "opensc");
    CHECK(name_of(find_quirks(token("www.CardContact.de", "PKCS#15 emulated"), library("OpenSC Project", opensc))) ==
          "smartcard-hsm");
    CHECK(name_of(find_quirks(token("x", "y"), file("libCryptoki2_64.so"))) == "luna");
    CHECK(name_of(find_quirks(token("x", "y"), file("libcloudhsm_pkcs11.so"))) == "aws-cloudhsm");
    CHECK(find_quirks(token("", ""), other) == nullptr);
    // Two fit equally well: the first one.
    CHECK(name_of(find_quirks(token("nCipher Corp. Ltd", ""), file("libcloudhsm_pkcs11.so"))) == "aws-cloudhsm");
}

TEST_CASE("what profiles say arrives in their members") {
    const ModuleInfo nothing;
    const auto yubihsm = load_quirks("yubihsm2", {}, nothing);
    CHECK(yubihsm.idle_timeout == std::chrono::milliseconds(30'000));
    CHECK(yubihsm.most_logins == 16);
    CHECK_FALSE(yubihsm.most_sessions);
    CHECK(yubihsm.data_limit("CKM_EDDSA") == 3134);
    CHECK_FALSE(yubihsm.data_limit("CKM_ECDSA"));
    CHECK(yubihsm.lacks_function("C_CopyObject"));
    CHECK_FALSE(yubihsm.lacks_function("C_CreateObject"));
    CHECK(yubihsm.reload_needed);
    CHECK(yubihsm.session_info_stale);

    CHECK(load_quirks("smartcard-hsm", {}, nothing).data_limit("CKM_ECDSA") == 512);
    CHECK(load_quirks("tpm2-pkcs11", {}, nothing).avoids_curve("secp521r1"));
    CHECK(load_quirks("luna", {}, nothing).ed25519_parameters == "1.3.6.1.4.1.11591.15.1");
    const auto aws = load_quirks("aws-cloudhsm", {}, nothing);
    CHECK(aws.public_keys_private);
    CHECK(aws.read_write_sessions);
    CHECK(aws.passing_errors == std::vector<std::string>{"CKR_FUNCTION_FAILED"});
    CHECK(aws.refused_attributes.generate_private == std::vector<std::string>{"CKA_SIGN_RECOVER"});
    const auto nss = load_quirks("nss-softokn", {}, nothing);
    CHECK(nss.edwards_point == EcPointForm::raw);
    CHECK_FALSE(nss.ec_point);
    CHECK(nss.exact_signature_buffer == std::vector<std::string>{"CKM_EDDSA"});
    CHECK(nss.missing_attributes.private_key ==
          std::vector<std::string>{"CKA_EC_POINT", "CKA_PUBLIC_KEY_INFO", "CKA_ALWAYS_AUTHENTICATE"});
    CHECK(load_quirks("pvpkcs11", {}, nothing).hash_in_token);
    CHECK(load_quirks("nethsm", {}, nothing).security_officer_makes_keys == "nitropy nethsm add-key, or pkcs11-tool --login-type so");
    CHECK_FALSE(yubihsm.hash_in_token);
}

TEST_CASE("the setting is a name, a file, none or auto") {
    const ModuleInfo nothing;
    CHECK(load_quirks("none", token("SoftHSM project", "SoftHSM v2"), nothing).lines.empty());
    CHECK(load_quirks("auto", token("SoftHSM project", "SoftHSM v2"), nothing).name == "softhsm2");
    CHECK(load_quirks("auto", token("Acme", "Vault"), nothing).lines.empty());
    CHECK(load_quirks("luna", token("SoftHSM project", "SoftHSM v2"), nothing).name == "luna");

    const auto unknown = test::raised([&] { return load_quirks("yubihsm", {}, nothing); });
    CHECK(unknown.code() == Errc::invalid_option);
    CHECK(unknown.message() == "there is no quirk profile \"yubihsm\"");
    CHECK(unknown.hint().find("did you mean \"yubihsm2\"?") == 0);

    const test::TemporaryFolder folder;
    const auto path = folder.path() / "mine.json";
    std::ofstream(path) << with_line(R"("most-sessions": 3)");
    CHECK(load_quirks(path.string(), {}, nothing).most_sessions == 3);
    CHECK_RAISES(load_quirks((folder.path() / "absent.json").string(), {}, nothing), Errc::storage_failed);
    std::ofstream(path) << "{";
    CHECK_RAISES(load_quirks(path.string(), {}, nothing), Errc::malformed_data);
}

TEST_CASE("what is not understood in a profile is refused, with its place and the names there are") {
    CHECK(said("[]").find("test.json is not an object") == 0);
    CHECK(said(R"({"name": "n", "summary": "s"})").find("test.json has no \"quirks\"") == 0);
    CHECK(said(R"({"name": "n", "quirks": []})").find("test.json has no \"summary\"") == 0);
    CHECK(said(R"({"name": "n", "summary": "s", "quirks": [], "quirk": 1})") ==
          "test.json has no member \"quirk\" | did you mean \"quirks\"?");
    CHECK(said(R"({"name": "n", "name": "n", "summary": "s", "quirks": []})").find("name") != std::string::npos);
    const auto later = test::raised([] { return parsed(R"({"version": 2, "name": "n", "summary": "s", "quirks": []})"); });
    CHECK(later.code() == Errc::malformed_data);
    CHECK(later.message() == "test.json has a version other than 1");
    CHECK(parsed(R"({"version": 1, "name": "n", "summary": "s", "quirks": []})").lines.empty());
    CHECK(said(R"({"name": "auto", "summary": "s", "quirks": []})").find("is no name of a profile: \"auto\"") !=
          std::string::npos);
    CHECK(said(with_line(R"("most-session": 1)")) ==
          "test.json: line 1: there is no quirk \"most-session\" | did you mean \"most-sessions\"?");
    CHECK(said(with_line(R"("most-sessions": 0)")).find("test.json: line 1: \"most-sessions\" is not a whole number") == 0);
    CHECK(said(with_line(R"("most-sessions": "1")")).find("is not a whole number from 1") != std::string::npos);
    CHECK(said(with_line(R"("reload-needed": false)")).find("\"reload-needed\" is not true") != std::string::npos);
    CHECK(said(with_line(R"("ec-point": "DER")")).find("is not \"der\" or \"raw\"") != std::string::npos);
    CHECK(said(with_line(R"("most-sessions": 1, "reload-needed": true)")).find("has two quirks") != std::string::npos);
    CHECK(said(with_line(R"("most-sessions": 1)", R"(, "reason": "r")")).find("line 1 has no \"source\"") !=
          std::string::npos);
    CHECK(said(with_line(R"("most-sessions": 1)", R"(, "source": "s")")).find("line 1 has no \"reason\"") !=
          std::string::npos);
    CHECK(said(with_line(R"("reason": "r")", R"(, "source": "s")")).find("line 1 has no quirk") != std::string::npos);
    CHECK(said(with_line(R"("avoid-mechanisms": ["CKM_ECDSAA"])")).find("there is no \"CKM_ECDSAA\" in PKCS#11 3.2 | "
                                                                       "did you mean \"CKM_ECDSA\"?") != std::string::npos);
    CHECK(said(with_line(R"("avoid-mechanisms": [])")).find("is not a list of texts") != std::string::npos);
    CHECK(said(with_line(R"("avoid-mechanisms": ["CKM_ECDSA", "CKM_ECDSA"])")).find("has \"CKM_ECDSA\" twice") !=
          std::string::npos);
    CHECK(said(with_line(R"("passing-errors": ["CKR_BUSY"])")).find("there is no \"CKR_BUSY\"") != std::string::npos);
    CHECK(said(with_line(R"("missing-functions": ["C_Sign"])")).find("no function that a token can lack, \"C_Sign\"") !=
          std::string::npos);
    CHECK(said(with_line(R"("avoid-curves": ["P-256"])")).find("there is no curve \"P-256\"") != std::string::npos);
    CHECK(said(with_line(R"("data-limits": {"CKM_X": 1})")).find("\"CKM_X\" is no mechanism") != std::string::npos);
    CHECK(said(with_line(R"("refused-attributes": {"find": ["CKA_ID"]})")).find("has no member \"find\"") !=
          std::string::npos);
    CHECK(said(with_line(R"("ed25519-parameters": "Ed25519")")).find("is no object identifier") != std::string::npos);
    CHECK(said(R"({"name": "n", "summary": "s", "match": [{}], "quirks": []})").find("test.json: match 1") == 0);
    CHECK(said(R"({"name": "n", "summary": "s", "match": [{"model": "*x"}], "quirks": []})").find("asterisk") !=
          std::string::npos);
    CHECK(said(R"({"name": "n", "summary": "s", "match": [{"modell": "x"}], "quirks": []})")
              .find("has no member \"modell\" | did you mean \"model\"?") != std::string::npos);
    const std::string twice = R"({"name": "n", "summary": "s", "quirks": [
        {"most-sessions": 1, "reason": "r", "source": "s"}, {"most-sessions": 2, "reason": "r", "source": "s"}]})";
    CHECK(said(twice).find("line 2: another line has the quirk \"most-sessions\" too") != std::string::npos);
}

TEST_CASE("lists of several lines add up; a vendor's own constants stand as numbers") {
    const auto profile = parsed(R"({"name": "n", "summary": "s", "measured": {"anything": 1}, "quirks": [
        {"avoid-mechanisms": ["CKM_ECDSA"], "reason": "r", "source": "s"},
        {"avoid-mechanisms": ["0x80000001"], "reason": "r", "source": "s"},
        {"data-limits": {"CKM_EDDSA": 10}, "reason": "r", "source": "s"},
        {"data-limits": {"*": 20}, "reason": "r", "source": "s"}]})");
    CHECK(profile.avoid_mechanisms == std::vector<std::string>{"CKM_ECDSA", "0x80000001"});
    CHECK(profile.avoids_mechanism("CKM_ECDSA"));
    CHECK_FALSE(profile.avoids_mechanism("CKM_RSA_PKCS"));
    CHECK(profile.data_limit("CKM_EDDSA") == 10);
    CHECK(profile.data_limit("CKM_RSA_PKCS") == 20);
    CHECK(profile.lines.size() == 4);
    CHECK(profile.lines[3].value == R"({"*":20})");
}

TEST_CASE("what calls are made by is turned into numbers once") {
    const QuirkNumbers aws(load_quirks("aws-cloudhsm", {}, {}));
    CHECK(aws.passes(CKR_FUNCTION_FAILED));
    CHECK_FALSE(aws.passes(CKR_DEVICE_ERROR));
    CHECK(aws.refused().generate_private == std::set<CK_ATTRIBUTE_TYPE>{CKA_SIGN_RECOVER});
    CHECK(aws.refused().generate_public == std::set<CK_ATTRIBUTE_TYPE>{CKA_VERIFY_RECOVER});
    CHECK(aws.refused().import_private.empty());
    const QuirkNumbers own(parsed(R"({"name": "n", "summary": "s", "quirks": [
        {"avoid-mechanisms": ["CKM_ECDSA", "0x80000001"], "reason": "r", "source": "s"},
        {"exact-signature-buffer": ["CKM_EDDSA"], "reason": "r", "source": "s"},
        {"data-limits": {"CKM_EDDSA": 10, "*": 20}, "reason": "r", "source": "s"}]})"));
    CHECK(own.avoids(CKM_ECDSA));
    CHECK(own.avoids(0x80000001UL));
    CHECK_FALSE(own.avoids(CKM_EDDSA));
    CHECK(own.wants_exact_buffer(CKM_EDDSA));
    CHECK(own.data_limit(CKM_EDDSA) == 10);
    CHECK(own.data_limit(CKM_RSA_PKCS) == 20);
    CHECK_FALSE(QuirkNumbers().data_limit(CKM_EDDSA));
    CHECK_FALSE(own.ed25519_parameters());
    // DER of 1.3.6.1.4.1.11591.15.1
    CHECK(QuirkNumbers(load_quirks("luna", {}, {})).ed25519_parameters() ==
          std::vector<std::uint8_t>{0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01});
    QuirkProfile unread;
    unread.avoid_mechanisms = {"CKM_NONE"};
    CHECK_RAISES(QuirkNumbers(unread), Errc::invalid_argument);
}

TEST_CASE("every quirk that there is can be read") {
    const std::map<std::string_view, std::string> samples{
        {"avoid-mechanisms", R"(["CKM_ECDSA"])"},
        {"only-curves", R"(["secp256r1","Ed25519"])"},
        {"avoid-curves", R"(["secp256r1"])"},
        {"hash-in-token", "true"},
        {"ecdsa-digest-fits-curve", "true"},
        {"eddsa-parameters-ignored", "true"},
        {"exact-signature-buffer", R"(["CKM_EDDSA"])"},
        {"data-limits", R"({"*":1})"},
        {"ec-point", R"("raw")"},
        {"edwards-point", R"("der")"},
        {"ed25519-parameters", R"("1.3.101.112")"},
        {"refused-attributes", R"({"import-private":["CKA_DERIVE"]})"},
        {"missing-attributes", R"({"public-key":["CKA_ID"]})"},
        {"public-keys-private", "true"},
        {"import-private-only", "true"},
        {"no-key-import", "true"},
        {"security-officer-makes-keys", R"("a tool")"},
        {"own-tools-make-keys", R"("a tool")"},
        {"most-sessions", "1"},
        {"most-logins", "1"},
        {"idle-timeout-ms", "1"},
        {"session-info-stale", "true"},
        {"sessions-not-locked", "true"},
        {"objects-not-locked", "true"},
        {"read-write-sessions", "true"},
        {"handles-end-with-logout", "true"},
        {"reload-needed", "true"},
        {"objects-read-at-start", "true"},
        {"passing-errors", R"(["CKR_FUNCTION_FAILED"])"},
        {"missing-functions", R"(["C_CopyObject"])"},
        {"init-arguments", R"("a text")"},
        {"pin-form", R"("a text")"},
        {"pin-length-unknown", "true"},
        {"serial-not-unique", "true"},
    };
    std::set<std::string_view> names;
    for(const auto& kind : quirk_kinds()) {
        INFO(kind.name);
        REQUIRE(samples.contains(kind.name));
        CHECK(names.insert(kind.name).second);
        CHECK_FALSE(kind.meaning.empty());
        CHECK_FALSE(kind.meaning.ends_with('.'));
        const auto& sample = samples.at(kind.name);
        const auto profile = parsed(with_line("\"" + std::string(kind.name) + "\": " + sample));
        REQUIRE(profile.lines.size() == 1);
        CHECK(profile.lines[0].name == kind.name);
        CHECK(profile.lines[0].value == sample);
        CHECK_THROWS_AS(parsed(with_line("\"" + std::string(kind.name) + "\": null")), Error);
    }
    CHECK(names.size() == samples.size());
}

TEST_CASE("a module tells what it is") {
    softhsm_fixtures::SoftHsmFixture softhsm;
    const ModuleName name{softhsm.token().module_path().string()};
    const auto module = module_info(name);
    CHECK(module.file == "libsofthsm2.so");
    CHECK(module.manufacturer == "SoftHSM");
    CHECK(module.version.starts_with("2."));
    for(const auto& found : list_tokens(name)) {
        CHECK(name_of(find_quirks(found, module)) == "softhsm2");
    }
    CHECK_RAISES(module_info({"/nowhere/module.so"}), Errc::token_not_found);
}
