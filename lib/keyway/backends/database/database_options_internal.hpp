// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/backends/database/key_encryption_key_internal.hpp>
#include <keyway/config/settings.hpp>
#include <keyway/core/secret_source.hpp>
#include <keyway/database/database_internal.hpp>
#include <keyway/key/wrapping_key_name.hpp>
#include <keyway/options/option_spec.hpp>
#include <keyway/options/option_values.hpp>

#include <memory>
#include <optional>

namespace keyway {

/// The options of the database backend, in all phases.
[[nodiscard]] OptionTable database_options();

/// The database that the settings name, SQLite or PostgreSQL.
/// @param secrets reads the password of a server's user, when it is needed
/// @throws Errc::invalid_option when the settings name none, or do not fit together
[[nodiscard]] std::unique_ptr<database::Database> configured_database(const BackendAlias& alias,
                                                                      const OptionValues& settings,
                                                                      const SecretReader& secrets);

/// How much work Argon2id is to make, as the settings say.
/// @throws Errc::invalid_option when it is too little or too much
[[nodiscard]] Argon2Cost configured_cost(const BackendAlias& alias, const OptionValues& settings);

/// The key of another backend that the settings name, under which the keys of the database are.
/// @throws Errc::invalid_option when it is a key of this backend; Errc::malformed_data, Errc::storage_failed for the reference
[[nodiscard]] std::optional<WrappingKeyName> configured_wrapping_key(const BackendAlias& alias, const OptionValues& settings);

/// @throws Errc::invalid_option when the key is one of this backend
void require_another_backend(const BackendAlias& alias, const WrappingKeyName& name);

}  // namespace keyway
