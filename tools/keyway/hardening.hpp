// SPDX-License-Identifier: BSD-2-Clause
#pragma once

namespace keyway::cli {

/// Prepares the process before it touches anything: no core dumps, no tracing by others, no signals for a
/// closed pipe or a full quota.
void harden_process();

/// Opens what of the three standard descriptors is closed, so that no key file or database gets their
/// numbers.
/// @throws Errc::storage_failed when standard output is closed: a result could not be told
void require_standard_descriptors();

}  // namespace keyway::cli
