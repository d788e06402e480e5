// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/export.hpp>
#include <softhsm_fixtures/modules.hpp>
#include <softhsm_fixtures/scoped_softhsm_conf.hpp>
#include <softhsm_fixtures/softhsm_store.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace softhsm_fixtures {

/// A token of its own of any known module: the same for a test whatever the module is.
///
/// A process that uses it sets environment(), loads module_path(), and gives init_arguments() to C_Initialize.
/// The token, its folder and every process it needs go when the object goes; also when the program crashes,
/// except for the folder.
///
/// @threadsafety one thread at a time per token
class SOFTHSM_FIXTURES_API TestToken {
public:
    virtual ~TestToken() = default;
    TestToken(const TestToken&) = delete;
    TestToken& operator=(const TestToken&) = delete;

    /// Label, serial, PINs and the URI. A module without a security officer's PIN has an empty one.
    [[nodiscard]] const TokenDetails& details() const noexcept { return parts_.details; }

    [[nodiscard]] const ModuleInfo& module() const noexcept { return *parts_.module; }

    /// The PKCS#11 module to load.
    [[nodiscard]] const std::filesystem::path& module_path() const noexcept { return parts_.module_path; }

    /// What C_Initialize's pReserved has to point to, as a string with an end; empty: nothing.
    [[nodiscard]] const std::string& init_arguments() const noexcept { return parts_.init_arguments; }

    /// The variables that the process needs which loads the module. ScopedTokenEnvironment sets them.
    [[nodiscard]] const std::map<std::string, std::string>& environment() const noexcept {
        return parts_.environment;
    }

    /// The folder with all that the token has, mode 0700.
    [[nodiscard]] virtual const std::filesystem::path& directory() const noexcept = 0;

    /// Leaves the folder where it is when the object goes, and prints its path then.
    virtual void keep() noexcept = 0;

protected:
    struct Parts {
        const ModuleInfo* module = nullptr;
        std::filesystem::path module_path = {};
        TokenDetails details = {};
        std::string init_arguments = {};
        std::map<std::string, std::string> environment = {};
    };
    TestToken() = default;
    Parts parts_; // NOLINT(cppcoreguidelines-non-private-member-variables-in-classes): filled by what derives
};

/// Makes a token of the module.
///
/// PIN lengths beyond what the module takes are refused.
///
/// @throws SoftHsmNotFound when the module is not usable here; the message is ModuleInfo::absence_reason()
/// @throws InvalidOption when the module cannot make such a token
/// @throws FillFailed when the token cannot hold what options.content lists; the message names the entry
/// @throws InitialisationFailed when the module refuses
/// @threadsafety safe, unless another thread changes the environment
[[nodiscard]] SOFTHSM_FIXTURES_API std::unique_ptr<TestToken>
make_test_token(const ModuleInfo& module, const TokenOptions& options = {});

/// Sets the variables of a token's environment() as long as it lives, and puts back what they were.
///
/// @threadsafety as ScopedSoftHsmConf: one thread of a process at a time
class SOFTHSM_FIXTURES_API ScopedTokenEnvironment {
public:
    /// @throws ConfigurationInUse as ScopedSoftHsmConf
    explicit ScopedTokenEnvironment(const TestToken& token);
    ~ScopedTokenEnvironment();
    ScopedTokenEnvironment(const ScopedTokenEnvironment&) = delete;
    ScopedTokenEnvironment& operator=(const ScopedTokenEnvironment&) = delete;

private:
    std::optional<ScopedSoftHsmConf> softhsm_;
    std::map<std::string, std::optional<std::string>> before_;
};

} // namespace softhsm_fixtures
