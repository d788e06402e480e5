// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>

namespace softhsm_fixtures::command {

/// How a listing is printed.
enum class Listing { text, json };

/// `softhsm-fixture list`
void list_folders(Listing form);

/// `softhsm-fixture modules`
void list_modules(Listing form);

/// `softhsm-fixture counters`
///
/// @throws Failure when the file cannot be read or holds no counters
void list_counters(const std::filesystem::path& file, Listing form);

/// `softhsm-fixture faults`
void list_faults(Listing form);

/// `softhsm-fixture profiles`
void list_profiles(Listing form);

} // namespace softhsm_fixtures::command
