// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <bench/ways.hpp>

#include <keyway/key/key_backend.hpp>

#include <memory>
#include <string_view>

namespace keyway::bench {

/// The hsm backend on the token, as a program opens it from its settings.
/// @throws Absent when copies are wanted and the backend does not know them
[[nodiscard]] std::unique_ptr<KeyBackend> open_backend(const Place& place, bool session_copies = false);

/// The key of a label by listing the keys.
/// @throws std::runtime_error when there is none
[[nodiscard]] KeyRef ref_of(const KeyBackend& backend, std::string_view label);

}  // namespace keyway::bench
