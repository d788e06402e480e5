// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../command.hpp"

namespace keyway::cli {

// Each is in the file of its name.

[[nodiscard]] Command key_create_command();
[[nodiscard]] Command key_store_command();
[[nodiscard]] Command key_adopt_command();
[[nodiscard]] Command key_certificate_command();
[[nodiscard]] Command key_migrate_command();
[[nodiscard]] Command key_list_command();
[[nodiscard]] Command key_show_command();
[[nodiscard]] Command key_check_command();
[[nodiscard]] Command key_sign_command();
[[nodiscard]] Command key_remove_command();
[[nodiscard]] Command key_rewrap_command();
[[nodiscard]] Command ca_create_command();
[[nodiscard]] Command cert_issue_command();
[[nodiscard]] Command crl_issue_command();
[[nodiscard]] Command token_init_command();
[[nodiscard]] Command token_list_command();
[[nodiscard]] Command token_login_command();
[[nodiscard]] Command token_quirks_command();
[[nodiscard]] Command token_probe_command();
[[nodiscard]] Command backend_list_command();
[[nodiscard]] Command backend_show_command();
[[nodiscard]] Command config_check_command();
[[nodiscard]] Command config_explain_command();
[[nodiscard]] Command config_path_command();
[[nodiscard]] Command completion_bash_command();
[[nodiscard]] Command completion_zsh_command();
[[nodiscard]] Command completion_fish_command();

}  // namespace keyway::cli
