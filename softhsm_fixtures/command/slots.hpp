// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/softhsm_store.hpp>

#include <filesystem>
#include <map>
#include <string>

namespace softhsm_fixtures::command {

/// A token, and how its module is loaded.
struct SlotRequest {
    std::filesystem::path module;
    const TokenDetails& token;
    std::string init_arguments;
    std::map<std::string, std::string> environment;
};

/// Asks a module, in a process of its own, for the number of a token's slot; empty when it does not tell.
[[nodiscard]] std::string slot_of_token(const SlotRequest& request);

} // namespace softhsm_fixtures::command
