// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <support/raises.hpp>

#include <set>
#include <string>

using namespace keyway;

TEST_CASE("every error class has a name of its own") {
    std::set<std::string_view> names;
    for(const auto code : all_errors()) {
        names.insert(to_string(code));
    }
    CHECK(names.size() == all_errors().size());
    CHECK(all_errors().size() == static_cast<std::size_t>(Errc::internal) + 1);
}

TEST_CASE("an error keeps message, hint, backend and return value apart") {
    const auto error = Error(Errc::pin_incorrect, "the PIN is wrong", "try another")
                           .in_backend("hsm")
                           .with_return_value("CKR_PIN_INCORRECT");
    CHECK(error.code() == Errc::pin_incorrect);
    CHECK(error.message() == "the PIN is wrong");
    CHECK(std::string(error.what()) == "the PIN is wrong");
    CHECK(error.hint() == "try another");
    CHECK(error.backend() == "hsm");
    CHECK(error.return_value() == "CKR_PIN_INCORRECT");
}

TEST_CASE("an error is a Botan exception, so that code that knows only Botan can catch it") {
    const Error error(Errc::malformed_data, "the file is damaged");
    const Botan::Exception& base = error;
    CHECK(base.error_type() == Botan::ErrorType::DecodingFailure);
}

TEST_CASE("names in messages show control characters instead of sending them to the terminal") {
    CHECK(in_quotes("root") == "\"root\"");
    CHECK(in_quotes("a\nb\x1b[31m\x7f") == "\"a\\x0ab\\x1b[31m\\x7f\"");
}
