// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/test_token.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/kinds_token_internal.hpp>

#include <array>
#include <cstdlib>
#include <string_view>

namespace softhsm_fixtures {

namespace {

struct Kind {
    std::string_view name;
    std::unique_ptr<TestToken> (*make)(const ModuleInfo&, const TokenOptions&);
    std::optional<std::string> (*obstacle)(const ModuleInfo&);
};

/// What stands in the way of a module that needs nothing but its file.
[[nodiscard]] std::optional<std::string> nothing(const ModuleInfo& /*module*/) {
    return std::nullopt;
}

constexpr std::array kinds = {
    Kind{"softhsm2", internal::make_softhsm_token, nothing},
    Kind{"nss-softokn", internal::make_nss_token, nothing},
    Kind{"tpm2-pkcs11", internal::make_tpm2_token, internal::tpm2_obstacle},
    Kind{"opencryptoki", internal::make_opencryptoki_token, internal::opencryptoki_obstacle},
    Kind{"kryoptic", internal::make_kryoptic_token, nothing},
};

[[nodiscard]] const Kind& kind_of(const ModuleInfo& module) {
    for (const Kind& kind : kinds) {
        if (kind.name == module.name()) {
            return kind;
        }
    }
    throw FixtureError("no token of module \"" + module.name() + "\" can be made yet");
}

void set_variable(const std::string& name, const std::optional<std::string>& value) {
    if (value) {
        ::setenv(name.c_str(), value->c_str(), 1);
    } else {
        ::unsetenv(name.c_str());
    }
}

constexpr const char* softhsm_variable = "SOFTHSM2_CONF";

} // namespace

std::optional<std::string> internal::token_obstacle(const ModuleInfo& module) {
    return kind_of(module).obstacle(module);
}

std::unique_ptr<TestToken> make_test_token(const ModuleInfo& module, const TokenOptions& options) {
    check_options(options);
    if (const auto reason = module.absence_reason()) {
        throw SoftHsmNotFound(*reason);
    }
    return kind_of(module).make(module, options);
}

ScopedTokenEnvironment::ScopedTokenEnvironment(const TestToken& token) {
    for (const auto& [name, value] : token.environment()) {
        if (name == softhsm_variable) {
            softhsm_.emplace(value); // which knows of other scopes in this process
            continue;
        }
        const char* before = std::getenv(name.c_str());
        before_[name] = before == nullptr ? std::nullopt : std::optional<std::string>(before);
        set_variable(name, value);
    }
}

ScopedTokenEnvironment::~ScopedTokenEnvironment() {
    for (const auto& [name, value] : before_) {
        set_variable(name, value);
    }
}

} // namespace softhsm_fixtures
