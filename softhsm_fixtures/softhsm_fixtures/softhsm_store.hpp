// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/content.hpp>
#include <softhsm_fixtures/export.hpp>
#include <softhsm_fixtures/temporary_folder.hpp>

#include <cstddef>
#include <filesystem>
#include <list>
#include <optional>
#include <string>

namespace softhsm_fixtures {

/// How a token is made.
struct TokenOptions {
    std::optional<std::string> label = std::nullopt; ///< 1 to 32 bytes of UTF-8; random and unique by default
    std::size_t user_pin_length = 8;                 ///< decimal digits, 4 to 255
    std::size_t so_pin_length = 12;                  ///< decimal digits, 4 to 255
    std::optional<TokenContent> content = std::nullopt; ///< what the token holds; nothing by default

    /// Makes such a token once, keeps it in a cache, and copies it from there; by default when there is
    /// content.
    ///
    /// A copy has a label and a serial of its own, and the keys and PINs of the others. The cache is in
    /// $SOFTHSM_FIXTURES_CACHE, or softhsm-fixtures in $XDG_CACHE_HOME or ~/.cache; it belongs to its user
    /// alone. Tokens of other modules than SoftHSM are made anew each time, whatever this says.
    std::optional<bool> prepared = std::nullopt;

    /// Gives a copy of a prepared token PINs of its own, which takes about as long as making one without
    /// content.
    bool fresh_pins = false;
};

/// Refuses options that no token can be made with, whatever module there is: what can be said before one is looked for.
///
/// @throws InvalidOption
/// @threadsafety safe
SOFTHSM_FIXTURES_API void check_options(const TokenOptions& options);

/// How a store is made.
struct StoreOptions {
    std::optional<std::filesystem::path> module = std::nullopt; ///< find_softhsm() by default
    std::optional<std::filesystem::path> parent = std::nullopt; ///< of the folder; $TMPDIR or /tmp by default
};

/// One initialised token: what a test needs to find it and to log in.
struct SOFTHSM_FIXTURES_API TokenDetails {
    std::string label;
    std::string serial; ///< 16 hexadecimal digits
    std::string user_pin;
    std::string so_pin;
    std::filesystem::path user_pin_file; ///< mode 0600, holds the PIN and no line end
    std::filesystem::path so_pin_file;   ///< as user_pin_file

    /// The token as a PKCS#11 URI: `pkcs11:token=LABEL;serial=SERIAL`.
    ///
    /// @spec RFC 7512 2.3
    [[nodiscard]] std::string uri() const;
};

/// A SoftHSM of its own: one temporary folder with a configuration and any number of tokens.
///
/// Nothing is shared with another store, so any number may live in any number of threads and processes. It is
/// removed as a TemporaryFolder is. Stores are moved, not copied; a moved-from store can only be destroyed or
/// assigned.
///
/// @threadsafety one thread at a time per store
class SOFTHSM_FIXTURES_API SoftHsmStore {
public:
    /// Makes the folder and the configuration, without a token.
    ///
    /// @throws SoftHsmNotFound when there is no module
    /// @throws FixtureError when the folder cannot be made, or its path cannot be written in
    ///         a SoftHSM configuration
    explicit SoftHsmStore(const StoreOptions& options = {});

    /// Initialises one more token; two tokens may have the same label.
    ///
    /// A SoftHSM that this process has already initialised on the store does not see it before it is
    /// finalised and initialised again. When it fails the store is as before. The reference stays valid as
    /// long as the store's content.
    ///
    /// @throws InvalidOption when the label is empty, over 32 bytes, ends in a space or holds a zero byte,
    ///         or a PIN length is out of range
    /// @throws InitialisationFailed when SoftHSM refuses
    /// @throws FillFailed when an object of the content cannot be made
    const TokenDetails& add_token(const TokenOptions& options = {});

    /// The tokens in the order in which they were added.
    [[nodiscard]] const std::list<TokenDetails>& tokens() const noexcept { return tokens_; }

    /// The PKCS#11 module to load.
    [[nodiscard]] const std::filesystem::path& module_path() const noexcept { return module_; }

    /// The folder, mode 0700.
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return folder_.path(); }

    /// The file to which SOFTHSM2_CONF has to point when the module is initialised.
    [[nodiscard]] std::filesystem::path config_path() const { return directory() / "softhsm2.conf"; }

    /// Leaves the folder where it is when the object goes, and prints its path then.
    void keep() noexcept { folder_.keep(); }

private:
    [[nodiscard]] std::filesystem::path token_folder() const { return directory() / "tokens"; }

    std::filesystem::path module_; // found before the folder is made: a missing module makes no folder
    TemporaryFolder folder_;
    std::list<TokenDetails> tokens_;
};

} // namespace softhsm_fixtures
