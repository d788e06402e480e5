// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/sha256_internal.hpp>

#include "../support.hpp"

#include <catch2/catch_test_macros.hpp>

using softhsm_fixtures::internal::sha256_hex;

// The examples of NIST for FIPS 180-4, and one million times "a".
TEST_CASE("SHA-256 of known texts") {
    CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(sha256_hex(std::string(1'000'000, 'a')) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 is that of sha256sum for every length around a block") {
    if (support::run("command -v sha256sum").status != 0) {
        SKIP("sha256sum (coreutils) is not installed");
    }
    std::string texts;
    std::string hashes;
    for (std::size_t size = 50; size < 135; ++size) {
        texts += "printf '%0" + std::to_string(size) + "d' 0 | sha256sum | cut -c1-64\n";
        hashes += sha256_hex(std::string(size, '0')) + '\n';
    }
    CHECK(support::run(texts).output == hashes);
}
