// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/modules.hpp>
#include <softhsm_fixtures/softhsm_store.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace softhsm_fixtures::command {

/// Told where the folder is, as soon as there is one.
using FolderMade = std::function<void(const std::filesystem::path&)>;

/// The tokens of a fixture, all of one module and in one folder.
class TokenSet {
public:
    virtual ~TokenSet() = default;
    TokenSet(const TokenSet&) = delete;
    TokenSet& operator=(const TokenSet&) = delete;

    [[nodiscard]] virtual const std::filesystem::path& directory() const noexcept = 0;
    [[nodiscard]] virtual const std::filesystem::path& module_path() const noexcept = 0;
    [[nodiscard]] virtual const std::list<TokenDetails>& tokens() const noexcept = 0;

    /// What C_Initialize needs; empty: nothing.
    [[nodiscard]] virtual std::string init_arguments() const { return {}; }

    /// What the module needs in the environment.
    [[nodiscard]] virtual std::map<std::string, std::string> environment() const = 0;

    /// The number of a token's slot; empty when it cannot be told.
    [[nodiscard]] virtual std::string slot_of(const TokenDetails& token) const = 0;

    /// Leaves the folder where it is when the object goes, and prints its path then.
    virtual void keep() noexcept = 0;

protected:
    TokenSet() = default;
};

/// Refuses more tokens than the kit makes at once with the module.
///
/// @throws InvalidOption
void check_token_count(const ModuleInfo& module, std::size_t count);

/// Makes tokens of the module.
///
/// @throws FixtureError, and nothing is left then
[[nodiscard]] std::unique_ptr<TokenSet> make_token_set(const ModuleInfo& module, const std::vector<TokenOptions>& tokens,
                                                       const FolderMade& folder_made);

} // namespace softhsm_fixtures::command
