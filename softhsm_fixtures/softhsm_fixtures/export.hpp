// SPDX-License-Identifier: BSD-2-Clause
#pragma once

/// Marks what the shared library offers; everything else in it is hidden.
#define SOFTHSM_FIXTURES_API __attribute__((visibility("default")))
