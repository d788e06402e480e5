// SPDX-License-Identifier: BSD-2-Clause
#include <support/raises.hpp>
#include <support/temporary_folder.hpp>

#include <keyway/keyring/keyring.hpp>

#include <softhsm_fixtures/catch2.hpp>

#include <botan/pk_keys.h>

#include <fstream>

using namespace keyway;

namespace {

RawOption option(const std::string& value) {
    return {.value = value, .form = RawOption::Form::text, .origin = {}};
}

/// A token that is there, one that is not, and a folder to fall back to from both.
class Place {
public:
    Place() {
        std::ofstream(passphrase_) << "correct horse 4711";
        std::filesystem::permissions(passphrase_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }

    [[nodiscard]] Settings settings(KeyPurpose purpose) {
        Settings out;
        out.add(BackendAlias("file"), {.type = "file",
                                       .options = {{"path", option((folder_.path() / "keys").string())},
                                                   {"scrypt-parallelization", option("1")},
                                                   {"passphrase", option("file:" + passphrase_.string())}}});
        out.add(BackendAlias("hsm"), hsm(softhsm_.token().label(), softhsm_.token().user_pin_file(), purpose));
        out.add(BackendAlias("gone"), hsm("no such token", softhsm_.token().user_pin_file(), purpose));
        out.add(BackendAlias("wrong-pin"), hsm(softhsm_.token().label(), passphrase_, purpose));
        return out;
    }

private:
    [[nodiscard]] BackendSettings hsm(const std::string& label, const std::filesystem::path& pin, KeyPurpose purpose) {
        return {.type = "hsm",
                .options = {{"module", option(softhsm_.token().module_path().string())},
                            {"token-label", option(label)},
                            {"deadline-ms", option("200")},
                            {"user-pin", option("file:" + pin.string())}},
                .fallbacks = {{purpose, BackendAlias("file")}}};
    }

    softhsm_fixtures::SoftHsmFixture softhsm_;
    test::TemporaryFolder folder_;
    std::filesystem::path passphrase_ = folder_.path() / "passphrase";
};

CreatedKey create(Keyring& keyring, const char* alias, KeyPurpose purpose, const char* label, const char* type = "p-256") {
    const BackendAlias backend(alias);
    return keyring.create(backend, purpose, KeySpec::parse(type), keyring.options(backend, Phase::create, {{"label", label}}));
}

}  // namespace

TEST_CASE("a key falls back where the settings allow it, and says so everywhere") {
    Place place;
    std::vector<std::string> told;
    Keyring keyring(place.settings(KeyPurpose::ocsp), {.observer = [&](const KeyUse& use) {
        told.push_back(std::string(use.operation) + " in " + std::string(use.backend) + " for " + std::string(use.fallback_from) +
                       (use.fallback_because.empty() ? "" : " because"));
    }});
    const auto made = create(keyring, "gone", KeyPurpose::ocsp, "responder");
    REQUIRE(made.fallback);
    CHECK(made.fallback->from == BackendAlias("gone"));
    CHECK(made.fallback->to == BackendAlias("file"));
    CHECK(made.fallback->because.code() == Errc::token_not_found);
    CHECK(made.ref.backend() == BackendAlias("file"));
    CHECK(made.ref.fallback_from() == BackendAlias("gone"));

    // The reference says so for ever, in both of its forms, and opens the key where it is.
    for(const auto& text : {made.ref.to_string(), made.ref.to_json()}) {
        const auto ref = KeyRef::parse(text);
        CHECK(ref == made.ref);
        CHECK(ref.fallback_from() == BackendAlias("gone"));
        CHECK(SpkiFingerprint::of(*keyring.use(ref)) == made.ref.fingerprint());
    }
    CHECK(told == std::vector<std::string>{"create in file for gone because", "open in file for gone", "open in file for gone"});

    // Where the first backend is there, nothing falls back.
    const auto usual = create(keyring, "hsm", KeyPurpose::ocsp, "responder");
    CHECK_FALSE(usual.fallback);
    CHECK(usual.ref.backend() == BackendAlias("hsm"));
    CHECK(usual.ref.fallback_from() == std::nullopt);
}

TEST_CASE("a wrong PIN is no reason to fall back") {
    Place place;
    Keyring keyring(place.settings(KeyPurpose::ocsp));
    CHECK_RAISES(create(keyring, "wrong-pin", KeyPurpose::ocsp, "a"), Errc::pin_incorrect);
    CHECK(dynamic_cast<const KeyLister&>(keyring.backend(BackendAlias("file"))).list({}).keys.empty());
}

TEST_CASE("nothing falls back for another purpose, a label in use or a kind that cannot be held") {
    Place place;
    Keyring keyring(place.settings(KeyPurpose::ocsp));
    CHECK_RAISES(create(keyring, "gone", KeyPurpose::leaf, "a"), Errc::token_not_found);
    CHECK_RAISES(create(keyring, "gone", KeyPurpose::ca, "a"), Errc::token_not_found);
    static_cast<void>(create(keyring, "hsm", KeyPurpose::ocsp, "a"));
    CHECK_RAISES(create(keyring, "hsm", KeyPurpose::ocsp, "a"), Errc::already_exists);
    CHECK_RAISES(create(keyring, "hsm", KeyPurpose::ocsp, "b", "ml-dsa-44"), Errc::unsupported);
    const auto files = dynamic_cast<const KeyLister&>(keyring.backend(BackendAlias("file"))).list({});
    CHECK(files.keys.empty());
}

TEST_CASE("a fallback for keys of CAs is refused at use") {
    Place place;
    Keyring keyring(place.settings(KeyPurpose::ca));
    CHECK_RAISES(create(keyring, "gone", KeyPurpose::ca, "root"), Errc::invalid_option);
    CHECK_RAISES(create(keyring, "gone", KeyPurpose::ocsp, "root"), Errc::token_not_found);
}

TEST_CASE("a key whose making cannot be recorded is taken back") {
    Place place;
    Keyring keyring(place.settings(KeyPurpose::leaf),
                    {.observer = [](const KeyUse&) { throw Error(Errc::storage_failed, "the audit log is full"); }});
    const auto error = test::raised([&] { return create(keyring, "gone", KeyPurpose::leaf, "a"); });
    CHECK(error.message() == "the audit log is full");
    CHECK(dynamic_cast<const KeyLister&>(keyring.backend(BackendAlias("file"))).list({}).keys.empty());
}

TEST_CASE("a fallback that fails too names both reasons") {
    Place place;
    Keyring keyring(place.settings(KeyPurpose::leaf));
    static_cast<void>(create(keyring, "gone", KeyPurpose::leaf, "a"));
    const auto error = test::raised([&] { return create(keyring, "gone", KeyPurpose::leaf, "a"); });
    CHECK(error.code() == Errc::already_exists);
    CHECK(error.backend() == "file");
    CHECK(error.message().starts_with("the backend \"gone\" cannot be reached ("));
}
