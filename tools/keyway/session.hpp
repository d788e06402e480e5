// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "audit.hpp"
#include "configuration.hpp"
#include "key_reference.hpp"
#include "option_flags.hpp"
#include "prompt.hpp"

#include <keyway/core/clock.hpp>
#include <keyway/key/key_wrapper.hpp>
#include <keyway/keyring/keyring.hpp>

#include <nlohmann/json_fwd.hpp>

#include <botan/pk_keys.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::cli {

/// How a result is printed.
enum class OutputForm { text, json };

/// A key opened for a command.
struct OpenKey {
    KeyRef ref;
    std::unique_ptr<Botan::Private_Key> key;
};

/// What one call of the command works with: its settings, its backends, and the options given for them.
class Session {
public:
    /// @param flags the backend options that the command line may hold
    /// @param audit where uses of keys are written down, if they are
    Session(Configuration configuration, OutputForm form, std::vector<OptionFlag> flags,
            const Arguments& arguments, BackendRegistry backends, std::unique_ptr<Audit> audit);

    [[nodiscard]] const Configuration& configuration() const noexcept { return configuration_; }
    [[nodiscard]] const BackendRegistry& types() const noexcept { return keyring_.backends(); }
    [[nodiscard]] bool json() const noexcept { return form_ == OutputForm::json; }
    [[nodiscard]] Time now() const {
        return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    }

    /// Prints a result in the form asked for; for people and in JSON the same.
    void report(const nlohmann::ordered_json& json, std::string_view text) const;

    /// The backend of --backend, or the settings' default.
    /// @throws Errc::backend_not_found
    [[nodiscard]] BackendAlias chosen_backend() const;

    /// The backend of --backend, or the one that the settings name for keys of that purpose.
    /// @throws Errc::backend_not_found
    [[nodiscard]] BackendAlias chosen_backend(std::optional<KeyPurpose> purpose) const;

    /// Makes a key, in the fallback of the backend where the settings allow that for the purpose; says so on standard error.
    /// @param options of phase create, for `alias`
    [[nodiscard]] CreatedKey create(const BackendAlias& alias, std::optional<KeyPurpose> purpose, const KeySpec& spec,
                                    const OptionValues& options);

    /// Uses a key, and writes that down before the result is given back, or what it failed with.
    /// @param work is given the entry, to complete it
    /// @param undo takes back what was done and cannot be written down, or tells that it stays
    /// @throws what work throws, and undo; Errc::storage_failed when it cannot be written down
    template <typename Work, typename Undo>
    auto audited(AuditEntry entry, const Work& work, const Undo& undo) {
        begin_audit(entry);
        try {
            auto result = work(entry);
            try {
                record(entry);
            } catch(const Error& error) {
                undo(entry, error);
                throw;
            }
            return result;
        } catch(...) {
            fail_audit(entry);
        }
    }

    /// The same for what leaves nothing behind.
    template <typename Work>
    auto audited(AuditEntry entry, const Work& work) {
        return audited(std::move(entry), work, [](const AuditEntry&, const Error&) {});
    }

    /// Does what comes before a use that has a line of its own: it has one only when it fails.
    template <typename Work>
    auto audited_failure(AuditEntry entry, const Work& work) {
        audit_is_open_ = audit_ != nullptr;
        try {
            auto result = work(entry);
            audit_is_open_ = false;
            return result;
        } catch(...) {
            fail_audit(entry);
        }
    }

    /// Writes down the use that is under way, as one that went well, before it ends; nothing where it was written down.
    /// @throws Errc::storage_failed
    void record(const AuditEntry& entry);

    /// Says something on standard error that is no failure: as a line for people or, with --json, an object.
    void warn(const std::string& message) const;

    /// Says on standard error that a key is where it is by fallback, when it is.
    void tell_fallback(const KeyRef& ref) const;

    /// Assigns the options of the command line to the backends that the command works with; once, before the
    /// first use of a backend.
    /// @throws Errc::usage
    /// @param by_alias backends that take only flags with their alias in front
    void work_with(const std::vector<BackendAlias>& backends, const std::vector<BackendAlias>& by_alias = {});

    /// Takes the label of a new key from another argument than the option --label.
    /// @throws Errc::usage when that is given too
    void choose_label(const BackendAlias& alias, const std::string& label);

    /// @throws Errc::backend_not_found, Errc::invalid_option
    [[nodiscard]] KeyBackend& backend(const BackendAlias& alias) { return keyring_.backend(alias); }

    /// What a backend's option "wrapping-key" names; nothing where it has none.
    /// @throws Errc::malformed_data, Errc::storage_failed; what Keyring::require_wrapping_backend throws
    [[nodiscard]] std::optional<WrappingKeyName> wrapping_key_of(const BackendAlias& alias) const;

    /// @throws as Keyring::open_wrapper
    [[nodiscard]] std::unique_ptr<KeyWrapper> open_wrapper(const WrappingKeyName& name) { return keyring_.open_wrapper(name); }

    /// The options of the command line for a backend.
    /// @throws Errc::invalid_option
    [[nodiscard]] OptionValues options(const BackendAlias& alias, Phase phase) const;

    /// What the command line gives to a backend, as it was written.
    [[nodiscard]] RawOptions given_options(const BackendAlias& alias) const;

    /// Those of the options given for another phase that also belong to phase use: where to find a secret,
    /// say.
    [[nodiscard]] OptionValues options_for_use(const BackendAlias& alias) const;

    /// The key's reference; looked up where it was named by its label.
    [[nodiscard]] KeyRef reference(const NamedKey& key);

    /// Opens a key for signing.
    [[nodiscard]] OpenKey open(const NamedKey& key);

    /// The same for a use that is written down: the entry gets the key's reference, or the label that it was asked for by.
    [[nodiscard]] OpenKey open(const NamedKey& key, AuditEntry& entry);

    [[nodiscard]] NamedKey named_key(const std::string& text) const {
        return parse_named_key(text, configuration_.settings);
    }

    /// Says that a key is about to be made or imported: a passphrase that is typed for the first time, for a
    /// key in a file or for a database that is not there yet (or may not be: on a server), is then asked for twice.
    void expect_new_key(const BackendAlias& alias);

    /// Reads the secrets that the options and settings of a backend name, other than by asking for them: to see
    /// whether they are there.
    /// @return whether nobody would have to be asked for one
    /// @throws Errc::secret_unavailable, Errc::permissions_insecure
    bool look_at_secrets(const BackendAlias& alias, const OptionValues& options) const;

    /// Reads a secret from the source that a flag names.
    /// @throws Errc::invalid_option, Errc::secret_unavailable
    [[nodiscard]] Secret secret(std::string_view flag, std::string_view what, Asking asking) const;

    /// The same for a flag that may be left out.
    [[nodiscard]] Secret secret_or(std::string_view flag, std::string_view usual_source, std::string_view what,
                                   Asking asking) const;
    /// Reads a secret from a source that the settings name.
    /// @throws Errc::secret_unavailable
    [[nodiscard]] Secret secret_of(const SecretSource& source, std::string_view what) const {
        return secrets_.read(source, what);
    }

private:
    void begin_audit(const AuditEntry& entry);

    /// For a handler of what was thrown, which it throws again.
    [[noreturn]] void fail_audit(const AuditEntry& entry);

    [[nodiscard]] const BackendType& type_of(const BackendAlias& alias) const;

    Configuration configuration_;
    OutputForm form_;
    std::vector<OptionFlag> flags_;
    const Arguments& arguments_;
    Questions questions_;
    SecretReader secrets_;
    std::unique_ptr<Audit> audit_;
    bool audit_is_open_ = false;  ///< an entry was begun, and has not ended
    Keyring keyring_;
    std::map<BackendAlias, RawOptions> options_;
};

}  // namespace keyway::cli
