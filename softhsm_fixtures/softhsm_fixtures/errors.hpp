// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/export.hpp>

#include <stdexcept>

namespace softhsm_fixtures {

/// What every failure of these fixtures derives from.
class SOFTHSM_FIXTURES_API FixtureError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// There is no SoftHSM module where it was looked for.
class SOFTHSM_FIXTURES_API SoftHsmNotFound : public FixtureError {
public:
    using FixtureError::FixtureError;
};

/// An option cannot be used: a label that does not fit a token, a PIN that is too short.
class SOFTHSM_FIXTURES_API InvalidOption : public FixtureError {
public:
    using FixtureError::FixtureError;
};

/// A list of what a token is to hold cannot be used; the message names the entry and what is known in its
/// place.
class SOFTHSM_FIXTURES_API InvalidContent : public InvalidOption {
public:
    using InvalidOption::InvalidOption;
};

/// A key, certificate or other object could not be made or stored; the message names the entry of the list.
class SOFTHSM_FIXTURES_API FillFailed : public FixtureError {
public:
    using FixtureError::FixtureError;
};

/// The token could not be initialised; the message carries the PKCS#11 function and its return value.
class SOFTHSM_FIXTURES_API InitialisationFailed : public FixtureError {
public:
    using FixtureError::FixtureError;
};

/// Another thread holds SOFTHSM2_CONF, which the whole process shares.
class SOFTHSM_FIXTURES_API ConfigurationInUse : public FixtureError {
public:
    using FixtureError::FixtureError;
};

} // namespace softhsm_fixtures
