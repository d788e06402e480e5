// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/key/key_ref.hpp>
#include <support/raises.hpp>

#include <botan/ecdsa.h>
#include <botan/ec_group.h>
#include <botan/hash.h>
#include <botan/hex.h>
#include <botan/system_rng.h>
#include <botan/x509_key.h>

#include <concepts>
#include <string>

using namespace keyway;

namespace {

template <typename Value>
concept FitsInLocator = requires(KeyLocator locator, const Value& value) { locator.set("label", value); };

// A reference is made to be kept and passed on: a secret must not get into it, and that is checked when compiling.
static_assert(FitsInLocator<std::string>);
static_assert(!FitsInLocator<Secret>);
static_assert(!FitsInLocator<SecretSource>);
static_assert(!std::constructible_from<KeyRef, BackendAlias, std::string, KeySpec, SpkiFingerprint, Secret>);

const std::string hex(64, 'a');

KeyRef sample(std::string_view label) {
    KeyLocator locator;
    locator.set("id", "01").set("label", label);
    return {BackendAlias("hsm"), "hsm", KeySpec::parse("p-256"), SpkiFingerprint::parse(hex), locator};
}

}  // namespace

TEST_CASE("a reference is one line of text and comes back from it") {
    const auto ref = sample("root 2026 & more = 100% Nøkkel");
    CHECK(ref.to_string() == "keyway:1?backend=hsm&type=hsm&key=p-256&spki-sha256=" + hex +
                                 "&id=01&label=root%202026%20%26%20more%20%3D%20100%25%20N%C3%B8kkel");
    CHECK(KeyRef::parse(ref.to_string()) == ref);
    CHECK(KeyRef::parse("\n  " + ref.to_string() + " \r\n") == ref);
}

TEST_CASE("a reference is a JSON object and comes back from it") {
    const auto ref = sample("root");
    CHECK(ref.to_json() == R"({"keyway":1,"backend":"hsm","type":"hsm","key":"p-256","spki-sha256":")" + hex +
                               R"(","locator":{"id":"01","label":"root"}})");
    CHECK(KeyRef::parse(ref.to_json()) == ref);
}

TEST_CASE("a damaged or foreign line is refused, whatever is cut off or changed") {
    const auto line = sample("root").to_string();
    // Cut behind the fingerprint it would be a reference by less, which the backends refuse or verify.
    for(std::size_t length = 0; length < line.find("&id="); ++length) {
        const auto cut = line.substr(0, length);
        INFO(cut);
        CHECK_RAISES(KeyRef::parse(cut), Errc::malformed_data);
    }
    for(const auto* text : {"pkcs11:token=a", "keyway:2?backend=hsm", "keyway:", "hello", "", "{}", "{\"keyway\":2}",
                            "keyway:1?backend=hsm&backend=hsm", "keyway:1?backend", "keyway:1?label=%zz",
                            "keyway:1?label=%4", "keyway:1?label=a b"}) {
        INFO(text);
        CHECK_RAISES(KeyRef::parse(text), Errc::malformed_data);
    }
    CHECK_RAISES(KeyRef::parse(line + "&label=again"), Errc::malformed_data);
    CHECK_RAISES(KeyRef::parse(line + "&label2=%00"), Errc::malformed_data);
    CHECK_RAISES(KeyRef::parse(line + std::string(20'000, 'x')), Errc::malformed_data);
    auto other_kind = line;
    other_kind.replace(other_kind.find("p-256"), 5, "p-257");
    CHECK_RAISES(KeyRef::parse(other_kind), Errc::unsupported);
}

TEST_CASE("JSON with missing, unknown or malformed parts is refused") {
    const auto json = sample("root").to_json();
    const auto replaced = [&](std::string_view from, std::string_view to) {
        auto out = json;
        out.replace(out.find(from), from.size(), to);
        return out;
    };
    CHECK_RAISES(KeyRef::parse(replaced("\"keyway\":1,", "")), Errc::malformed_data);
    CHECK_RAISES(KeyRef::parse(replaced("\"keyway\":1", "\"keyway\":\"1\"")), Errc::malformed_data);
    CHECK_RAISES(KeyRef::parse(replaced("\"backend\"", "\"alias\"")), Errc::malformed_data);
    CHECK_RAISES(KeyRef::parse(replaced("\"01\"", "1")), Errc::malformed_data);
    CHECK_RAISES(KeyRef::parse(replaced("\"locator\"", "\"location\"")), Errc::malformed_data);
    CHECK_RAISES(KeyRef::parse(replaced(hex, "abc")), Errc::malformed_data);
    CHECK_RAISES(KeyRef::parse(json.substr(0, json.size() - 1)), Errc::malformed_data);
}

TEST_CASE("a reference takes no part that is named like a secret") {
    for(const auto* name : {"pin", "user-pin", "passphrase", "password", "pass", "secret", "pin-value", "private-key"}) {
        INFO(name);
        CHECK_RAISES(KeyLocator().set(name, "1234"), Errc::invalid_argument);
        CHECK_RAISES(KeyRef::parse(sample("root").to_string() + "&" + name + "=1234"), Errc::malformed_data);
    }
    CHECK_RAISES(KeyLocator().set("Label", "a"), Errc::invalid_argument);
    CHECK_RAISES(KeyLocator().set("", "a"), Errc::invalid_argument);
    CHECK_RAISES(KeyLocator().set("label", "\xff"), Errc::invalid_argument);
}

TEST_CASE("the fingerprint is the SHA-256 of the SubjectPublicKeyInfo") {
    const Botan::ECDSA_PrivateKey key(Botan::system_rng(), Botan::EC_Group::from_name("secp256r1"));
    const auto hash = Botan::HashFunction::create_or_throw("SHA-256");
    hash->update(Botan::X509::BER_encode(key));
    const auto expected = Botan::hex_encode(hash->final(), false);
    CHECK(SpkiFingerprint::of(key).to_string() == expected);
    CHECK(SpkiFingerprint::parse(expected) == SpkiFingerprint::of(key));
    CHECK_RAISES(SpkiFingerprint::parse(expected.substr(1)), Errc::invalid_argument);
    CHECK_RAISES(SpkiFingerprint::parse(std::string(64, 'g')), Errc::invalid_argument);
}
