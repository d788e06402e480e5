// SPDX-License-Identifier: BSD-2-Clause
#include "names/names.hpp"

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <map>
#include <set>
#include <string>

using namespace pkcs11_names;

namespace {

constexpr std::array families = {Family::return_values, Family::mechanisms, Family::attributes,
                                 Family::object_classes, Family::key_types};

/// As the header at hand has them; Debian 12's is that of PKCS#11 2.40.
constexpr Constant of_system[] = {
#include "system_constants.inc"
};

[[nodiscard]] std::map<std::string, CK_ULONG> of_the_kit() {
    std::map<std::string, CK_ULONG> all;
    for (const auto family : families) {
        for (const auto& constant : constants(family)) {
            all[std::string(constant.name)] = constant.value;
        }
    }
    return all;
}

} // namespace

TEST_CASE("the numbers are those of the header at hand") {
    // p11-kit numbers these from 0x1c0 on, the standard from 0x1b5 on.
    const std::set<std::string_view> differ = {"CKR_EXCEEDED_MAX_ITERATIONS", "CKR_FIPS_SELF_TEST_FAILED",
                                               "CKR_LIBRARY_LOAD_FAILED", "CKR_PIN_TOO_WEAK",
                                               "CKR_PUBLIC_KEY_INVALID"};
    const auto kit = of_the_kit();
    std::map<std::string_view, CK_ULONG> wrong;
    std::size_t compared = 0;
    for (const auto& constant : of_system) {
        if (!differ.contains(constant.name)) {
            ++compared;
            if (kit.at(std::string(constant.name)) != constant.value) {
                wrong[constant.name] = constant.value;
            }
        }
    }
    CHECK(wrong == std::map<std::string_view, CK_ULONG>{});
    CHECK(compared > 400);
    CHECK(find_return_value("CKR_EXCEEDED_MAX_ITERATIONS") == 0x1b5);
    CHECK(find_return_value("CKR_PUBLIC_KEY_INVALID") == 0x1b9);
}

TEST_CASE("the tables are whole") {
    std::map<std::string, std::size_t> sizes;
    for (const auto family : families) {
        const auto table = constants(family);
        const std::string prefix(table.front().name.substr(0, 4));
        sizes[prefix] = table.size();
        for (const auto& constant : table) {
            CHECK(constant.name.starts_with(prefix));
        }
    }
    // As in the header files that OASIS published for PKCS#11 3.2.
    CHECK(sizes == std::map<std::string, std::size_t>{
                       {"CKA_", 160}, {"CKK_", 69}, {"CKM_", 480}, {"CKO_", 13}, {"CKR_", 105}});
    CHECK(of_the_kit().size() == 160 + 69 + 480 + 13 + 105);
}

TEST_CASE("a name is found, and its number has a name") {
    for (const auto family : families) {
        for (const auto& constant : constants(family)) {
            CHECK(find(family, constant.name) == constant.value);
            const auto name = known_name(family, constant.value);
            REQUIRE(name);
            CHECK(find(family, *name) == constant.value);
        }
    }
    CHECK(find_mechanism("CKM_ML_DSA") == 0x1dUL);
    CHECK(find_key_type("CKK_EC_EDWARDS") == 0x40UL);
    CHECK(find_object_class("CKO_TRUST") == 0xbUL);
    CHECK(find_attribute("CKA_WRAP_TEMPLATE") == 0x40000211UL);
}

TEST_CASE("of several names the usual one is printed") {
    CHECK(name_of_key_type(3) == "CKK_EC");
    CHECK(name_of_attribute(0x180) == "CKA_EC_PARAMS");
    CHECK(name_of_mechanism(0x1040) == "CKM_EC_KEY_PAIR_GEN");
    CHECK(name_of_attribute(0x134) == "CKA_SUBPRIME_BITS");
    CHECK(find_attribute("CKA_SUB_PRIME_BITS") == 0x134UL);
}

TEST_CASE("numbers without a name") {
    CHECK(name_of_return_value(0x4711) == "0x4711");
    CHECK(name_of_return_value(0x80000000UL) == "CKR_VENDOR_DEFINED");
    CHECK(name_of_return_value(0x80000001UL) == "CKR_VENDOR_DEFINED|0x1");
    CHECK(name_of_mechanism(0xffffffffUL) == "CKM_VENDOR_DEFINED|0x7fffffff");
    CHECK(known_name(Family::return_values, 0x4711) == std::nullopt);
    if constexpr (sizeof(CK_ULONG) > 4) {
        CHECK(name_of_return_value(~CK_ULONG{0}) == "0xffffffffffffffff");
    }
    for (const CK_ULONG value : {CK_ULONG{0}, CK_ULONG{0x4711}, CK_ULONG{0x80000000}, CK_ULONG{0x80000001},
                                 CK_ULONG{0xffffffff}, ~CK_ULONG{0}}) {
        for (const auto family : families) {
            CHECK(find(family, name_of(family, value)) == value);
        }
    }
}

TEST_CASE("what is no name") {
    for (const auto* const name :
         {"", "CKR_", "ckr_ok", " CKR_OK", "CKR_OK ", "CKM_RSA_PKCS", "0x", "0x-1", "0xg", "1",
          "0x10000000000000000", "CKR_VENDOR_DEFINED|", "CKR_VENDOR_DEFINED|1",
          "CKR_VENDOR_DEFINED|0x80000000", "CKM_VENDOR_DEFINED|0x1"}) {
        CAPTURE(name);
        CHECK(find_return_value(name) == std::nullopt);
    }
}
