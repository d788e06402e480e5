// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/backend_registry.hpp>

namespace keyway {

/// The command `keyway`, for a program of your own that has other backends than it, or more: everything but which backends
/// there are is as in the original, its flags, help texts and settings included.
///
/// To be called from main(), once, before threads are started: it prepares the process for secrets (no core dumps) and decides
/// when signals end it.
/// @param backends the types to choose from: yours added to standard_backends()
/// @return the exit status, as docs/errors.md has it
/// @threadsafety not safe
[[nodiscard]] int keyway_command(int argc, char** argv, const BackendRegistry& backends);

}  // namespace keyway
