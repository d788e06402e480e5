// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../session.hpp"

#include <functional>
#include <string>

namespace keyway::cli {

/// Removes a key, and has that recorded.
/// @param entry of operation "remove"
/// @param also for the hint, where it cannot be recorded: what has to be known from then on
/// @throws what `remove` throws; Errc::storage_failed when it cannot be recorded, which says that it was removed
void remove_recorded(Session& session, AuditEntry entry, const std::function<void()>& remove, const std::string& also = {});

/// Looks whether the files of a backend may be changed, as removing a key does; unlike for a new key, no room is asked for.
/// @throws Errc::storage_failed
void require_changeable(const Session& session, const BackendAlias& alias);

}  // namespace keyway::cli
