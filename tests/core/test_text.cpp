// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/text.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string_view>

using keyway::is_text;
using namespace std::string_view_literals;

TEST_CASE("text is well-formed UTF-8 without NUL") {
    CHECK(is_text(""));
    CHECK(is_text("Nøkkel \xf0\x9f\x94\x91 \xed\x9f\xbf"));
    CHECK_FALSE(is_text("a\0b"sv));
    CHECK_FALSE(is_text("\x80"));              // a continuation byte alone
    CHECK_FALSE(is_text("\xc3"));              // cut off
    CHECK_FALSE(is_text("\xc0\xaf"));          // overlong
    CHECK_FALSE(is_text("\xe0\x9f\xbf"));      // overlong
    CHECK_FALSE(is_text("\xed\xa0\x80"));      // a surrogate
    CHECK_FALSE(is_text("\xf4\x90\x80\x80"));  // over U+10FFFF
    CHECK_FALSE(is_text("\xf8\x88\x80\x80\x80"));
}
