// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/export.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace softhsm_fixtures {

namespace internal {
struct ModuleData;
}

/// Something a PKCS#11 module can do, by a name of known_capabilities().
struct Capability {
    std::string name;
    std::string reason; ///< by what means: a mechanism, a function
    std::string since;  ///< the first version of the module that has it, as CK_INFO tells it; empty: all
    std::string until;  ///< the first version that has it no more; empty: none
};

/// Something a PKCS#11 module does otherwise than a program may expect.
struct Quirk {
    std::string name;
    std::string reason; ///< what happens, and what to do about it
    std::string source; ///< `measured`, where the tests of this library measure it, else where it is written
    std::string since;  ///< as Capability::since
    std::string until;  ///< as Capability::until
    std::string varies; ///< what decides beside the version, where something does; else empty
};

/// A PKCS#11 module that make_test_token() can make a token of.
///
/// Objects live as long as the process; they are in known_modules() only.
///
/// @threadsafety safe, unless another thread changes the environment
class SOFTHSM_FIXTURES_API ModuleInfo {
public:
    explicit ModuleInfo(const internal::ModuleData& data) : data_(&data) {}

    /// `softhsm2`, `nss-softokn`, `tpm2-pkcs11`, `opencryptoki` or `kryoptic`.
    [[nodiscard]] const std::string& name() const noexcept;

    /// What it is, in a sentence.
    [[nodiscard]] const std::string& summary() const noexcept;

    /// The environment variable that names the module's file.
    [[nodiscard]] const std::string& variable() const noexcept;

    /// The versions whose capabilities were measured; empty when they are only those it is documented to have.
    [[nodiscard]] const std::vector<std::string>& measured() const noexcept;

    /// What any version of the module can do.
    [[nodiscard]] const std::vector<Capability>& capabilities() const noexcept;

    /// What any version of the module does otherwise than a program may expect.
    [[nodiscard]] const std::vector<Quirk>& quirks() const noexcept;

    /// Whether a version of the module can do what the capability's name says; without a version, the newest.
    ///
    /// @throws InvalidOption when there is no capability of that name
    [[nodiscard]] bool has(std::string_view capability, std::string_view version = {}) const;

    /// Whether a version of the module does what the quirk's name says; without a version, the newest.
    [[nodiscard]] bool has_quirk(std::string_view quirk, std::string_view version = {}) const noexcept;

    /// Finds the module, or nothing when this machine has none.
    ///
    /// The environment variable decides when it is set, even if it names a file that is not there: a test must
    /// not quietly run against another module. Otherwise the usual places are tried in their order.
    [[nodiscard]] std::optional<std::filesystem::path> find() const;

    /// The version of the module that is installed, as CK_INFO tells it: `2.6`.
    ///
    /// A token is made and removed to learn it, once in a process.
    ///
    /// @throws FixtureError as make_test_token()
    [[nodiscard]] std::string installed_version() const;

    /// Says why make_test_token() cannot make a token here, in words for a skip message; nothing when it can.
    [[nodiscard]] std::optional<std::string> absence_reason() const;

private:
    const internal::ModuleData* data_;
};

/// All modules, in the order in which choose_module() tries them.
///
/// @threadsafety safe
[[nodiscard]] SOFTHSM_FIXTURES_API const std::vector<ModuleInfo>& known_modules();

/// The module of that name, or null.
///
/// @threadsafety safe
[[nodiscard]] SOFTHSM_FIXTURES_API const ModuleInfo* find_module(std::string_view name);

/// The module of that name.
///
/// @throws InvalidOption when there is none; the message lists the known ones
/// @threadsafety safe
[[nodiscard]] SOFTHSM_FIXTURES_API const ModuleInfo& require_module(std::string_view name);

/// The names of all capabilities, in the order of their documentation.
///
/// @threadsafety safe
[[nodiscard]] SOFTHSM_FIXTURES_API const std::vector<std::string>& known_capabilities();

/// What choose_module() found.
struct Choice {
    const ModuleInfo* module = nullptr;
    std::string reason; ///< when there is no module: why not, one line for each that was tried
};

/// Chooses the first usable module of known_modules() that has all the capabilities in its installed version.
///
/// ModuleInfo::installed_version() is asked only where it decides.
///
/// @throws InvalidOption when there is no capability of one of the names; the message lists the known ones
/// @threadsafety as ModuleInfo
[[nodiscard]] SOFTHSM_FIXTURES_API Choice choose_module(const std::vector<std::string>& capabilities);

} // namespace softhsm_fixtures
