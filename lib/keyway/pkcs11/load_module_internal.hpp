// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/cryptoki_internal.hpp>

#include <string>

namespace keyway::pkcs11 {

/// Loads a module, without initialising it; p11_kit_module_release() gives it back.
/// @param path_or_name a library's path (with a slash), or the name of a module configured in p11-kit
/// @throws Errc::token_not_found
[[nodiscard]] FunctionList* load_module(const std::string& path_or_name);

/// Whether it is p11-kit's remoting, which asks a service by one connection for all threads. The service answers one call after
/// the other; and where it dies while several threads wait for their answers, those that wait for another thread to read theirs
/// are never told (p11-kit 0.24 to 0.26, rpc_socket_read): they hang for ever. So it is to be used by one thread at a time.
[[nodiscard]] bool speaks_by_one_connection(FunctionList& calls);

/// Why a module cannot be initialised, as a hint: most want something from outside, each something else.
[[nodiscard]] std::string what_a_module_may_lack(FunctionList& calls, const std::string& name);

}  // namespace keyway::pkcs11
