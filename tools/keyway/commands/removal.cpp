// SPDX-License-Identifier: BSD-2-Clause
#include "removal.hpp"

namespace keyway::cli {

void remove_recorded(Session& session, const KeyRef& ref, const std::function<void()>& remove) {
    static_cast<void>(session.audited(
        {.operation = "remove", .backend = ref.backend().str(), .ref = ref},
        [&](AuditEntry&) {
            remove();
            return true;
        },
        [](const AuditEntry&, const Error& error) {
            throw Error(error.code(), "the key was removed, but that was not recorded: " + error.message(), error.hint());
        }));
}

}  // namespace keyway::cli
