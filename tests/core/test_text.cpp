// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/text.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string_view>

using keyway::is_text;
using keyway::visible;
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

TEST_CASE("what steers a terminal, and what is no text, is shown and not sent") {
    CHECK(visible("Nøkkel 鍵 \xf0\x9f\x94\x91") == "Nøkkel 鍵 \xf0\x9f\x94\x91");
    CHECK(visible("a\x1b[31m\r\n\t\x7f") == "a\\x1b[31m\\x0d\\x0a\\x09\\x7f");
    CHECK(visible("a\xc2\x9b""31m") == "a\\u009b31m");      // CSI in one character
    CHECK(visible("\xe2\x80\xaelive") == "\\u202elive");    // right-to-left override
    CHECK(visible("caf\xe9 \xc3") == "caf\\xe9 \\xc3");
    CHECK(visible("\0"sv) == "\\x00");
}
