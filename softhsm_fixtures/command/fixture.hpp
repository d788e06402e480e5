// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "fault_options.hpp"
#include "token_set.hpp"
#include "variables.hpp"

#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace softhsm_fixtures::command {

/// What is asked for on the command line of `run`, `shell` and `env`.
struct FixtureRequest {
    std::vector<std::string> labels;   ///< one token each; without any, one token with a label of its own
    std::vector<std::string> contents; ///< files: one for all tokens, or one for each
    std::optional<std::string> module; ///< softhsm2 by default
    std::vector<std::string> needs;    ///< capabilities
    bool fresh_pins = false;           ///< where tokens are copies
    FaultRequest faults;
    bool leave_openssl = false;
    bool leave_p11_kit = false;
    int skip_status = 77;
    bool verbose = false;
    bool outlives = false; ///< the tokens stay when this process ends
};

/// Tokens in a folder of their own, with all that lets programs find them.
class Fixture {
public:
    /// Checks the request, and chooses the module; nothing is made yet.
    ///
    /// @throws Failure, with the skip status and the reason where there is no such module
    explicit Fixture(const FixtureRequest& request);

    /// Makes the tokens and the files beside them.
    ///
    /// @throws Failure
    /// @throws FixtureError
    void fill(const FolderMade& folder_made);

    [[nodiscard]] const Variables& variables() const noexcept { return variables_; }
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return tokens_->directory(); }
    [[nodiscard]] const std::list<TokenDetails>& tokens() const noexcept { return tokens_->tokens(); }

    /// Leaves the folder where it is when the object goes, and prints its path then.
    void keep() noexcept { tokens_->keep(); }

    /// Says there that it may have to stay when this process is killed.
    void may_stay() noexcept { may_stay_ = true; }

private:
    void set_module_variables();
    void set_token_variables();
    void set_tool_variables();
    void set_p11_kit_variable();
    void write_record() const;
    void say(const std::string& text) const;

    FixtureRequest request_;
    const ModuleInfo* module_;
    std::vector<TokenOptions> wanted_;
    std::filesystem::path loaded_; ///< what programs load: the token's module, or the fault module
    std::unique_ptr<TokenSet> tokens_;
    Variables variables_;
    bool may_stay_ = false;
};

} // namespace softhsm_fixtures::command
