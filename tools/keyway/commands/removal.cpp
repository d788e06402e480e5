// SPDX-License-Identifier: BSD-2-Clause
#include "removal.hpp"

#include <keyway/core/error.hpp>

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace keyway::cli {

namespace {

void require_right(const std::filesystem::path& path, int right, const BackendAlias& alias) {
    if(::faccessat(AT_FDCWD, path.c_str(), right, AT_EACCESS) != 0) {
        throw Error(Errc::storage_failed, "cannot change " + in_quotes(path.string()) + ": " + std::generic_category().message(errno),
                    "keys are removed by whoever may write there")
            .in_backend(alias.str());
    }
}

}  // namespace

void remove_recorded(Session& session, AuditEntry entry, const std::function<void()>& remove, const std::string& also) {
    static_cast<void>(session.audited(
        std::move(entry),
        [&](AuditEntry&) {
            remove();
            return true;
        },
        [&](const AuditEntry&, const Error& error) {
            throw Error(error.code(), "the key was removed, but that was not recorded: " + error.message(),
                        also + (also.empty() || error.hint().empty() ? "" : "; ") + error.hint());
        }));
}

void require_changeable(const Session& session, const BackendAlias& alias) {
    const auto& options = session.configuration().settings.backend(alias).options;
    const auto option = options.find("path");
    if(option == options.end()) {
        return;  // no file of ours
    }
    const std::filesystem::path path(option->second.value);
    std::error_code ignored;
    if(std::filesystem::is_directory(path, ignored)) {
        require_right(path, W_OK | X_OK, alias);
        return;
    }
    require_right(path, W_OK, alias);
    // SQLite has its journal beside the database.
    require_right(std::filesystem::absolute(path).parent_path(), W_OK | X_OK, alias);
}

}  // namespace keyway::cli
