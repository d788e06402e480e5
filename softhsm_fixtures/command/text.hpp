// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace softhsm_fixtures::command {

/// "a", "b" and "c" as `"a", "b", "c"`.
[[nodiscard]] std::string quoted_list(const std::vector<std::string>& names);

/// A word of POSIX sh, whatever is in it.
[[nodiscard]] std::string quoted_for_sh(std::string_view text);

/// The same without quotes where it needs none, for a line that is shown.
[[nodiscard]] std::string word_of_sh(std::string_view text);

/// The text between double quotes, with a backslash before what would end or change a line: for people to read.
[[nodiscard]] std::string shown_in_quotes(std::string_view text);

/// A word of fish.
[[nodiscard]] std::string quoted_for_fish(std::string_view text);

/// A value of an OpenSSL configuration file; never a line end in it.
[[nodiscard]] std::string escaped_for_openssl(std::string_view text);

} // namespace softhsm_fixtures::command
