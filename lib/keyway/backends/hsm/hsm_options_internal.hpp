// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/config/settings.hpp>
#include <keyway/core/secret_source.hpp>
#include <keyway/options/option_values.hpp>
#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/pin_provider_internal.hpp>
#include <keyway/pkcs11/token_info.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <memory>
#include <optional>
#include <string>

namespace keyway::hsm {

/// The one table of the backend's options.
[[nodiscard]] std::shared_ptr<const OptionTable> option_table();

/// Where the token is, from the settings.
struct TokenPlace {
    std::string module;
    std::string init_args;
    pkcs11::TokenSelector token;
    pkcs11::TokenLimits limits;
    std::optional<SecretSource> pin_of_uri;
};

/// @throws Errc::invalid_option when the module or the token is not said, or said twice
[[nodiscard]] TokenPlace token_place(const OptionValues& settings, const BackendAlias& alias);

/// Reads the user PIN from where the options or the place say, once it is needed.
[[nodiscard]] pkcs11::PinProvider pin_provider(const SecretReader& secrets,
                                               const OptionValues& options,
                                               const TokenPlace& place,
                                               const pkcs11::Token& token);

/// What is to be told to the token of a new key, with an id chosen where none is given.
///
/// @param default_id for an imported key: derived from it, as other programs do
/// @throws Errc::invalid_option; Errc::unsupported for a usage that no key of the kind has
[[nodiscard]] pkcs11::NewKey new_key(const OptionValues& options,
                                     const KeySpec& spec,
                                     const std::vector<std::uint8_t>& default_id);

/// Which key of the token is to be adopted.
/// @throws Errc::invalid_option when neither its label nor its id is given
[[nodiscard]] pkcs11::KeySelector adopted_key(const OptionValues& options);

}  // namespace keyway::hsm
