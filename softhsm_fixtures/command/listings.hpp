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

/// The counters to show.
struct CountersRequest {
    std::filesystem::path file;
    bool may_be_absent = false; ///< a module that nothing has called yet has not made it
    bool all = false;           ///< also the functions that nothing has called
};

/// `softhsm-fixture counters`
///
/// @throws Failure when the file cannot be read or holds no counters
void list_counters(const CountersRequest& request, Listing form);

/// `softhsm-fixture faults`
void list_faults(Listing form);

/// `softhsm-fixture profiles`
void list_profiles(Listing form);

} // namespace softhsm_fixtures::command
