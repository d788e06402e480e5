// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <span>
#include <string>
#include <string_view>

/// How the messages of a PlanError are put.
namespace pkcs11_fault::text {

/// The text in double quotes, control characters escaped, cut when it is long.
[[nodiscard]] std::string quoted(std::string_view text);

/// The known name that a misspelt one most likely stands for; empty when none is near.
[[nodiscard]] std::string_view nearest(std::string_view name, std::span<const std::string_view> known);

/// `unknown return value "CKR_FOO"; did you mean "CKR_..."? known: ...`
[[nodiscard]] std::string unknown(std::string_view what, std::string_view name,
                                  std::span<const std::string_view> known);

/// "a, b, c"
[[nodiscard]] std::string joined(std::span<const std::string_view> names);

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

} // namespace pkcs11_fault::text
