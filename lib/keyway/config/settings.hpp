// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/error.hpp>
#include <keyway/options/option_values.hpp>

#include <compare>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway {

/// The name under which a backend stands in the settings: a-z, 0-9, hyphen; it starts with a letter.
/// @threadsafety immutable
class KEYWAY_API BackendAlias {
public:
    /// @throws Errc::invalid_argument when the name has other characters or more than 40
    explicit BackendAlias(std::string name);

    [[nodiscard]] const std::string& str() const noexcept { return name_; }

    friend auto operator<=>(const BackendAlias&, const BackendAlias&) = default;

private:
    std::string name_;
};

/// What a key is for: the settings may name a backend for each.
enum class KeyPurpose {
    ca,    ///< of a root or an intermediate
    ocsp,  ///< signs OCSP responses
    leaf,  ///< of a server, a client, or anything else that issues nothing
};

/// "ca", "ocsp" or "leaf".
[[nodiscard]] KEYWAY_API std::string_view to_string(KeyPurpose purpose) noexcept;

/// @throws Errc::invalid_option when it is none of them
[[nodiscard]] KEYWAY_API KeyPurpose parse_key_purpose(std::string_view text);

/// What the settings say of one backend; its options are checked when it is opened.
struct BackendSettings {
    std::string type;  ///< "hsm", "file", "database" or one added by the program
    RawOptions options;

    /// Where a key of a purpose may be made when this backend cannot be reached; never one of KeyPurpose::ca.
    std::map<KeyPurpose, BackendAlias> fallbacks{};
};

/// The settings of a process: which backends there are, by alias.
///
/// As JSON: `{"version": 1, "default-backend": ALIAS, "backends-by-purpose": {PURPOSE: ALIAS}, "backends": {ALIAS: {"type": TYPE,
/// OPTION: VALUE, ..., "fallback": {PURPOSE: ALIAS}}}, "audit": FILE}`.
/// @threadsafety immutable after it was made
class KEYWAY_API Settings {
public:
    Settings() = default;

    /// @param place what it is, for messages: a file's name
    /// @throws Errc::malformed_data when the text is no JSON or of another version
    /// @throws Errc::invalid_option when a name is unknown or a value has the wrong form
    [[nodiscard]] static Settings parse(std::string_view json, std::string_view place);

    /// The same where every fault is to be told: what is at fault is left out of the settings.
    /// @param faults gets what parse would throw first, and all the others
    /// @throws Errc::malformed_data when the text is no JSON object
    [[nodiscard]] static Settings parse(std::string_view json, std::string_view place, std::vector<Error>& faults);

    void add(const BackendAlias& alias, BackendSettings backend);
    void set_default(const BackendAlias& alias);
    void set_for_purpose(KeyPurpose purpose, const BackendAlias& alias);

    /// Where the command writes down each use of a key; nothing reads it in the library, whose observers are a program's own.
    void set_audit(std::filesystem::path file);
    [[nodiscard]] const std::optional<std::filesystem::path>& audit() const noexcept { return audit_; }

    /// The default backend: the one named so, or "default", or the only one there is.
    [[nodiscard]] std::optional<BackendAlias> default_backend() const;

    /// The backend for new keys of a purpose: the one named for it, else the default one.
    [[nodiscard]] std::optional<BackendAlias> backend_for(KeyPurpose purpose) const;

    [[nodiscard]] const std::map<KeyPurpose, BackendAlias>& backends_by_purpose() const noexcept { return purposes_; }

    /// The backend that may stand in for another one for keys of a purpose, if any.
    /// @throws Errc::invalid_option when it is for KeyPurpose::ca, or names the backend itself; Errc::backend_not_found
    [[nodiscard]] std::optional<BackendAlias> fallback_of(const BackendAlias& alias, KeyPurpose purpose) const;

    /// @throws Errc::backend_not_found with the aliases there are
    [[nodiscard]] const BackendSettings& backend(const BackendAlias& alias) const;

    [[nodiscard]] const std::map<BackendAlias, BackendSettings>& backends() const noexcept { return backends_; }

private:
    std::map<BackendAlias, BackendSettings> backends_;
    std::optional<BackendAlias> default_;
    std::map<KeyPurpose, BackendAlias> purposes_;
    std::optional<std::filesystem::path> audit_;
};

/// Reads settings from a file.
/// @throws Errc::storage_failed when it cannot be read; Errc::permissions_insecure when every user can change it; and what
///         Settings::parse throws
[[nodiscard]] KEYWAY_API Settings read_settings(const std::filesystem::path& file);

/// The same where every fault is to be told.
/// @param faults as of Settings::parse
[[nodiscard]] KEYWAY_API Settings read_settings(const std::filesystem::path& file, std::vector<Error>& faults);

}  // namespace keyway
