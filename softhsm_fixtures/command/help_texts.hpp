// SPDX-License-Identifier: BSD-2-Clause
#pragma once

/// What `--help` prints behind the options.
namespace softhsm_fixtures::command::help {

extern const char* const whole;
extern const char* const run;
extern const char* const shell;
extern const char* const env;
extern const char* const fault;
extern const char* const check_plan;
extern const char* const counters;

} // namespace softhsm_fixtures::command::help
