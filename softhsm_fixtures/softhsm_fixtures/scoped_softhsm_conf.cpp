// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/scoped_softhsm_conf.hpp>

#include <softhsm_fixtures/errors.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace softhsm_fixtures {

namespace {

constexpr const char* variable = "SOFTHSM2_CONF";

struct LivingScope {
    const ScopedSoftHsmConf* owner;
    std::string config;
};

/// The living scopes, latest last.
struct Scopes {
    std::mutex mutex;
    std::vector<LivingScope> living;
    std::thread::id thread;              // of the living scopes
    std::optional<std::string> original; // the variable before the first of them
};

/// Process-wide because the variable is. Never destroyed, so that a scope may end during static destruction.
[[nodiscard]] Scopes& scopes() {
    static Scopes& instance = *new Scopes; // NOLINT(cppcoreguidelines-owning-memory)
    return instance;
}

[[nodiscard]] std::optional<std::string> current_value() {
    const char* value = std::getenv(variable);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

} // namespace

ScopedSoftHsmConf::ScopedSoftHsmConf(const std::filesystem::path& config) {
    const auto absolute = std::filesystem::absolute(config);
    if (!std::filesystem::is_regular_file(absolute)) {
        throw FixtureError("there is no SoftHSM configuration \"" + absolute.string() + "\"");
    }
    Scopes& all = scopes();
    const std::lock_guard lock(all.mutex);
    if (all.living.empty()) {
        all.thread = std::this_thread::get_id();
        all.original = current_value();
    } else if (all.thread != std::this_thread::get_id()) {
        throw ConfigurationInUse("SOFTHSM2_CONF is held for \"" + all.living.back().config +
                                 "\" by another thread; use one process per configuration");
    }
    all.living.push_back({this, absolute.string()});
    ::setenv(variable, absolute.c_str(), 1);
}

ScopedSoftHsmConf::~ScopedSoftHsmConf() {
    Scopes& all = scopes();
    const std::lock_guard lock(all.mutex);
    const char* value = std::getenv(variable);
    if (value == nullptr || all.living.back().config != value) {
        std::fprintf(stderr,
                     "softhsm-fixture: SOFTHSM2_CONF was changed to \"%s\" while it was held for \"%s\"\n",
                     value == nullptr ? "" : value, all.living.back().config.c_str());
    }
    std::erase_if(all.living, [this](const LivingScope& scope) { return scope.owner == this; });
    if (!all.living.empty()) {
        ::setenv(variable, all.living.back().config.c_str(), 1);
    } else if (all.original) {
        ::setenv(variable, all.original->c_str(), 1);
    } else {
        ::unsetenv(variable);
    }
}

} // namespace softhsm_fixtures
