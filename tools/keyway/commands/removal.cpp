// SPDX-License-Identifier: BSD-2-Clause
#include "removal.hpp"

#include <utility>

namespace keyway::cli {

void remove_recorded(Session& session, AuditEntry entry, const std::function<void()>& remove) {
    static_cast<void>(session.audited(
        std::move(entry),
        [&](AuditEntry&) {
            remove();
            return true;
        },
        [](const AuditEntry&, const Error& error) {
            throw Error(error.code(), "the key was removed, but that was not recorded: " + error.message(), error.hint());
        }));
}

}  // namespace keyway::cli
