// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/export.hpp>

#include <filesystem>

namespace softhsm_fixtures {

/// Points SOFTHSM2_CONF of this process to one configuration as long as the object lives.
///
/// SoftHSM reads the variable in C_Initialize and not again: initialise it after this object is made, and
/// finalise it before the store goes. Scopes nest: the latest living one decides, and when the last is gone
/// the variable is what it was before the first, or unset. They may end in any order.
///
/// @threadsafety all living scopes belong to one thread, and another one is refused, as the process has one
///               SOFTHSM2_CONF; unsafe, like any change of it, while other threads use the environment
class SOFTHSM_FIXTURES_API ScopedSoftHsmConf {
public:
    /// @throws FixtureError when there is no such file
    /// @throws ConfigurationInUse when a scope of another thread is alive
    explicit ScopedSoftHsmConf(const std::filesystem::path& config);
    ~ScopedSoftHsmConf();

    ScopedSoftHsmConf(const ScopedSoftHsmConf&) = delete;
    ScopedSoftHsmConf& operator=(const ScopedSoftHsmConf&) = delete;
};

} // namespace softhsm_fixtures
