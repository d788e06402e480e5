// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/export.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace softhsm_fixtures {

/// Finds the SoftHSM 2 module, or nothing when this machine has none.
///
/// The environment variable SOFTHSM2_MODULE decides when it is set, even if it names a file that is not
/// there: a test must not quietly run against another module. Otherwise the places of Debian, Ubuntu, Fedora,
/// Arch, Homebrew and a build from source are tried in this order.
///
/// @threadsafety safe, unless another thread changes the environment
[[nodiscard]] SOFTHSM_FIXTURES_API std::optional<std::filesystem::path> find_softhsm();

/// Says why find_softhsm() found nothing, in words for a skip message; nothing when it found the module.
///
/// @threadsafety as find_softhsm()
[[nodiscard]] SOFTHSM_FIXTURES_API std::optional<std::string> softhsm_absence_reason();

} // namespace softhsm_fixtures
