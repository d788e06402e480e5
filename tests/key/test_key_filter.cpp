// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/key/key_filter.hpp>
#include <support/raises.hpp>

using namespace keyway;

namespace {

KeyInfo key(const std::string& label, const std::string& type) {
    return {.ref = {BackendAlias("a"), "file", KeySpec::parse(type), SpkiFingerprint::parse(std::string(64, 'a')), {}},
            .label = label,
            .attributes = {}};
}

/// The labels that a filter leaves.
std::string left(const KeyFilter& filter) {
    KeyListing all;
    for(const auto& [label, type] : std::vector<std::pair<std::string, std::string>>{
            {"ca-2025", "rsa-2048"}, {"ca-2026", "p-256"}, {"ocsp", "p-256"}, {"rsa", "rsa-3072"}, {"\xc3\xa5*b", "brainpool-p256r1"}}) {
        all.keys.push_back(key(label, type));
    }
    all.faults.emplace_back(Errc::malformed_data, "one that is damaged");
    const auto listing = filter.of(all);
    CHECK(listing.faults.size() == 1);
    std::string labels;
    for(const auto& found : listing.keys) {
        labels += found.label + " ";
    }
    return labels;
}

}  // namespace

TEST_CASE("a filter takes keys by type, in any spelling, family or with a star") {
    CHECK(left({}) == "ca-2025 ca-2026 ocsp rsa \xc3\xa5*b ");
    CHECK(left(KeyFilter().with_type("P-256")) == "ca-2026 ocsp ");
    CHECK(left(KeyFilter().with_type("prime256v1")) == "ca-2026 ocsp ");
    CHECK(left(KeyFilter().with_type("rsa")) == "ca-2025 rsa ");
    CHECK(left(KeyFilter().with_type("rsa-3072")) == "rsa ");
    CHECK(left(KeyFilter().with_type("brainpool-*")) == "\xc3\xa5*b ");
    CHECK(left(KeyFilter().with_type("ed25519")).empty());
    CHECK_RAISES(KeyFilter().with_type("p-255"), Errc::unsupported);
}

TEST_CASE("a filter takes keys by label, whole or with stars") {
    const std::vector<std::pair<std::string, std::string>> expected{
        {"ca-2026", "ca-2026 "}, {"ca-*", "ca-2025 ca-2026 "},   {"*2*2*", "ca-2025 ca-2026 "}, {"*s*", "ocsp rsa "},
        {"CA-2026", ""},         {"ca", ""},                     {"", ""},                      {"**", "ca-2025 ca-2026 ocsp rsa \xc3\xa5*b "},
        {"*6", "ca-2026 "},      {"\xc3\xa5*b", "\xc3\xa5*b "}, {"*-*-*", ""},                 {"rs*sa", ""},
    };
    for(const auto& [pattern, labels] : expected) {
        INFO(pattern);
        CHECK(left(KeyFilter().with_label(pattern)) == labels);
    }
    CHECK(left(KeyFilter().with_label("ca-*").with_type("p-256")) == "ca-2026 ");
}

TEST_CASE("a pattern that is made to do harm takes no long time") {
    std::string pattern;
    for(int i = 0; i < 100; ++i) {
        pattern += "a*";
    }
    CHECK(!KeyFilter().with_label(pattern + "b").takes(key(std::string(200, 'a'), "p-256")));
}
