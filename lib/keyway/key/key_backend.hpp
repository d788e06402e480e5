// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/core/error.hpp>
#include <keyway/key/key_info.hpp>
#include <keyway/key/key_ref.hpp>
#include <keyway/key/key_spec.hpp>
#include <keyway/options/option_values.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace Botan {
class Private_Key;
class Public_Key;
}  // namespace Botan

namespace keyway {

/// Says that a key was made in another backend than the one asked for, as the settings allow.
struct KeyFallback {
    BackendAlias from;
    BackendAlias to;
    Error because;  ///< what the first one said
};

/// A key just made: how to find it again, and its public half.
struct CreatedKey {
    KeyRef ref;
    std::shared_ptr<const Botan::Public_Key> public_key;
    std::optional<KeyFallback> fallback{};  ///< set by Keyring::create only
};

/// What a backend can hold.
struct BackendCapabilities {
    std::vector<KeyType> key_types;
    std::vector<std::string> curves;  ///< Botan's names, for KeyType::ec
    std::vector<KeyType> import_only{};  ///< taken in from elsewhere and used, but not made
    std::size_t smallest_rsa_bits = 2048;
    std::size_t largest_rsa_bits = 16384;

    /// Whether such keys are made and taken in.
    [[nodiscard]] KEYWAY_API bool offers(const KeySpec& key) const;

    /// Whether such keys are at least taken in.
    [[nodiscard]] KEYWAY_API bool offers_import(const KeySpec& key) const;

    /// All key types and curves that Keyway knows.
    [[nodiscard]] KEYWAY_API static BackendCapabilities everything();
};

/// A place where private keys live: a token, a folder, a database.
///
/// All options are of the backend's own table (BackendType::options). Whatever fails leaves nothing half-made: no orphan
/// object, no partial file, no row.
/// @threadsafety safe: one object serves all threads
class KEYWAY_API KeyBackend {
public:
    KeyBackend(const KeyBackend&) = delete;
    KeyBackend& operator=(const KeyBackend&) = delete;
    virtual ~KeyBackend();

    /// Makes a key pair.
    /// @param options of phase create
    /// @throws Errc::already_exists when the label is taken; Errc::unsupported when the store cannot hold such a key
    [[nodiscard]] virtual CreatedKey create(const KeySpec& spec, const OptionValues& options) = 0;

    /// Imports a key made elsewhere.
    /// @param options of phase store
    /// @throws as create
    [[nodiscard]] virtual KeyRef store(const Botan::Private_Key& key, const OptionValues& options) = 0;

    /// Opens a key for signing; it is the key of the reference or an error.
    /// @param options of phase use
    /// @throws Errc::key_not_found, Errc::key_ambiguous, Errc::key_mismatch, or what reading its secret throws
    [[nodiscard]] virtual std::unique_ptr<Botan::Private_Key> use(const KeyRef& ref,
                                                                  const OptionValues& options) const = 0;

    /// Really looks the key up, and tells what is wrong with it, if anything.
    /// @param options of phase use
    [[nodiscard]] virtual std::optional<Error> check(const KeyRef& ref, const OptionValues& options) const = 0;

    /// May ask the store, the first time.
    /// @throws what reaching the store throws: Errc::token_not_found and the like
    [[nodiscard]] virtual const BackendCapabilities& capabilities() const = 0;

    [[nodiscard]] const BackendAlias& alias() const noexcept { return alias_; }

protected:
    KeyBackend(BackendAlias alias, std::shared_ptr<const OptionTable> table, OptionValues settings);

    /// The call's options completed by the settings and the defaults, as the phase allows.
    [[nodiscard]] OptionValues completed(Phase phase, const OptionValues& call) const;

    [[nodiscard]] const OptionValues& settings() const noexcept { return settings_; }

    /// @throws Errc::unsupported with what is offered
    void require_offered(const KeySpec& spec) const { require_offered(spec, capabilities()); }
    void require_offered(const KeySpec& spec, const BackendCapabilities& offered) const;

    /// As require_offered, for a key that is there already.
    void require_importable(const KeySpec& spec) const;

    /// @throws Errc::key_mismatch when the reference is for another backend type
    void require_own(const KeyRef& ref, std::string_view backend_type) const;

    /// @throws Errc::key_mismatch when the key found is of another kind than the reference says
    void require_kind(const KeyRef& ref, const KeySpec& found) const;

private:
    BackendAlias alias_;
    std::shared_ptr<const OptionTable> table_;
    OptionValues settings_;
};

/// A backend that can say which keys it holds; found by dynamic_cast.
class KEYWAY_API KeyLister {
public:
    virtual ~KeyLister();

    /// @param options of phase use
    [[nodiscard]] virtual KeyListing list(const OptionValues& options) const = 0;
};

/// What came of one of several keys that were to be opened: the key, or why not.
using OpenedKey = std::variant<std::unique_ptr<Botan::Private_Key>, Error>;

/// A backend that opens many keys for less than one after the other; found by dynamic_cast.
class KEYWAY_API KeyBulkOpener {
public:
    virtual ~KeyBulkOpener();

    /// Opens keys as KeyBackend::use does, with one look at the store. A key that fails does not stop the others.
    /// @param options of phase use
    /// @return for each reference, in the same order
    /// @throws what concerns all of them: Errc::token_not_found, Errc::pin_incorrect and the like
    [[nodiscard]] virtual std::vector<OpenedKey> use_all(std::span<const KeyRef> refs,
                                                         const OptionValues& options) const = 0;
};

/// A backend that can take in a key that was put into its store by others; found by dynamic_cast.
class KEYWAY_API KeyAdopter {
public:
    virtual ~KeyAdopter();

    /// Finds the one key that the options tell, makes it sign once when it may sign, and answers the reference by which it
    /// is used from now on. Nothing in the store is changed.
    /// @param options of phase adopt
    /// @throws Errc::invalid_option when they do not tell any key; Errc::key_not_found, Errc::key_ambiguous with the
    ///         candidates; Errc::unsupported when the key is of a kind that Keyway does not know
    /// @throws Errc::verification_failed when its signature does not verify with its public key
    [[nodiscard]] virtual KeyRef adopt(const OptionValues& options) = 0;
};

/// A backend that can say beforehand why it would refuse a new key, by more than its capabilities: a label that is taken, a
/// secret that is not the store's; found by dynamic_cast.
class KEYWAY_API NewKeyChecker {
public:
    virtual ~NewKeyChecker();

    /// What KeyBackend::create or KeyBackend::store would throw, as far as it can be told without making anything.
    /// @param phase Phase::create or Phase::store
    /// @param options of that phase
    [[nodiscard]] virtual std::optional<Error> check_new(const KeySpec& spec, Phase phase, const OptionValues& options) const = 0;
};

/// A backend that can destroy keys; found by dynamic_cast.
class KEYWAY_API KeyRemover {
public:
    virtual ~KeyRemover();

    /// Destroys the key of the reference, and no other.
    /// @param options of phase use
    /// @throws as KeyBackend::use
    virtual void remove(const KeyRef& ref, const OptionValues& options) = 0;
};

}  // namespace keyway
