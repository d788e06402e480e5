// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../session.hpp"

#include <functional>

namespace keyway::cli {

/// Removes a key, and has that recorded.
/// @param entry of operation "remove"
/// @throws what `remove` throws; Errc::storage_failed when it cannot be recorded, which says that it was removed
void remove_recorded(Session& session, AuditEntry entry, const std::function<void()>& remove);

}  // namespace keyway::cli
