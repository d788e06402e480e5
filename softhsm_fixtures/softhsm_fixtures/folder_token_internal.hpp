// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/common_token_internal.hpp>
#include <softhsm_fixtures/temporary_folder.hpp>
#include <softhsm_fixtures/test_token.hpp>

#include <map>
#include <optional>
#include <string>

namespace softhsm_fixtures::internal {

/// A token in a temporary folder, initialised by the helper program. What derives prepares the folder.
class FolderToken : public TestToken {
public:
    [[nodiscard]] const std::filesystem::path& directory() const noexcept final { return folder_.path(); }
    void keep() noexcept final { folder_.keep(); }

protected:
    /// Makes the folder and chooses label and PINs.
    ///
    /// @throws InvalidOption as new_details()
    FolderToken(const ModuleInfo& module, const TokenOptions& options, const PinLimits& limits = {});

    [[nodiscard]] TokenDetails& editable_details() noexcept { return parts_.details; }

    /// Writes the PIN files, initialises the token and fills it: what a derived class's constructor ends with.
    ///
    /// @throws InitialisationFailed when the module refuses
    /// @throws FillFailed when the token cannot hold what the options want in it; the message names the entry
    void initialise(const std::string& flow, const std::string& init_arguments,
                    const std::map<std::string, std::string>& environment);

private:
    void fill() const;

    TemporaryFolder folder_;
    std::optional<TokenContent> content_;
};

} // namespace softhsm_fixtures::internal
