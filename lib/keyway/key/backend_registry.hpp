// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/config/settings.hpp>
#include <keyway/core/api.hpp>
#include <keyway/core/clock.hpp>
#include <keyway/core/secret_source.hpp>
#include <keyway/key/key_backend.hpp>
#include <keyway/key/key_use.hpp>
#include <keyway/key/key_wrapper.hpp>
#include <keyway/key/token_event.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace keyway {

/// What a backend is given to work with.
struct BackendContext {
    SecretReader secrets;
    Clock clock = [] { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); };
    KeyUseObserver observer{};  ///< told of each use of a key; may be empty
    TokenEventObserver token_observer{};  ///< told of logins, losses and recoveries of a token; may be empty
    KeyWrapperOpener wrappers{};  ///< how a backend is given another one's key to wrap its own with; a Keyring sets it
};

/// Something that this build is without, and how a build has it: it stays listed, so that who meets it in settings or in the
/// documentation learns what to do.
struct LeftOutBackend {
    std::string name;   ///< as it would stand in the settings: "database"
    std::string title;  ///< one line for people
    std::string how;    ///< the meson option, and the Debian packages that it wants
};

/// One kind of backend: its name, its options and how to open one.
struct BackendType {
    using Open = std::function<std::unique_ptr<KeyBackend>(const BackendAlias& alias,
                                                           std::shared_ptr<const OptionTable> table,
                                                           OptionValues settings,
                                                           const BackendContext& context)>;

    std::string name;   ///< as it stands in the settings: "hsm"
    std::string title;  ///< one line for people
    std::shared_ptr<const OptionTable> options;
    Open open;
    std::vector<LeftOutBackend> left_out{};  ///< parts of it that this build is without, as one of its database systems
};

/// The kinds of backends a program knows. They are added explicitly: nothing registers itself.
/// @threadsafety add from one thread; then safe
class KEYWAY_API BackendRegistry {
public:
    /// @throws Errc::already_exists when the name is taken
    void add(BackendType type);

    /// Tells of a type that the program could have, but that its build is without.
    /// @throws Errc::already_exists when the name is taken
    void add_left_out(LeftOutBackend type);

    /// @throws Errc::backend_not_found with the names there are
    /// @throws Errc::unsupported with how to get it when the build is without it
    [[nodiscard]] const BackendType& type(std::string_view name) const;

    [[nodiscard]] bool knows(std::string_view type) const noexcept;

    [[nodiscard]] const std::vector<BackendType>& types() const noexcept { return types_; }

    /// Types that the build is without.
    [[nodiscard]] const std::vector<LeftOutBackend>& left_out() const noexcept { return left_out_; }

    /// What is wrong with the settings of a backend: its type is not known or left out of the build, or options are unknown, misplaced or malformed.
    /// Nothing is opened. Each names the backend.
    /// @throws Errc::backend_not_found when there is no such alias
    [[nodiscard]] std::vector<Error> faults(const Settings& settings, const BackendAlias& alias) const;

    /// Opens the backend of an alias.
    ///
    /// @throws Errc::backend_not_found when there is no such alias or type
    /// @throws Errc::unsupported when the build is without that type
    /// @throws Errc::invalid_option when one of its options is unknown, misplaced or malformed
    [[nodiscard]] std::unique_ptr<KeyBackend> open(const Settings& settings,
                                                   const BackendAlias& alias,
                                                   const BackendContext& context) const;

private:
    void require_free(std::string_view name) const;

    std::vector<BackendType> types_;
    std::vector<LeftOutBackend> left_out_;
};

}  // namespace keyway
