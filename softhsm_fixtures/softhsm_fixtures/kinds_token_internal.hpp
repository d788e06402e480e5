// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/modules.hpp>
#include <softhsm_fixtures/test_token.hpp>

#include <memory>
#include <optional>
#include <string>

namespace softhsm_fixtures::internal {

/// Why a token of the module, whose file is there, cannot be made here; nothing when it can.
[[nodiscard]] std::optional<std::string> token_obstacle(const ModuleInfo& module);

// One for each module, in a file of its own.
[[nodiscard]] std::unique_ptr<TestToken> make_softhsm_token(const ModuleInfo&, const TokenOptions&);
[[nodiscard]] std::unique_ptr<TestToken> make_nss_token(const ModuleInfo&, const TokenOptions&);
[[nodiscard]] std::unique_ptr<TestToken> make_tpm2_token(const ModuleInfo&, const TokenOptions&);
[[nodiscard]] std::unique_ptr<TestToken> make_opencryptoki_token(const ModuleInfo&, const TokenOptions&);
[[nodiscard]] std::unique_ptr<TestToken> make_kryoptic_token(const ModuleInfo&, const TokenOptions&);

// What they need beside the module's file.
[[nodiscard]] std::optional<std::string> tpm2_obstacle(const ModuleInfo& module);
[[nodiscard]] std::optional<std::string> opencryptoki_obstacle(const ModuleInfo& module);

} // namespace softhsm_fixtures::internal
