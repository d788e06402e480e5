// SPDX-License-Identifier: BSD-2-Clause
#pragma once

/// Marks what the shared library exports; everything else stays hidden.
#if defined(_WIN32)
#define KEYWAY_API
#else
#define KEYWAY_API __attribute__((visibility("default")))
#endif
