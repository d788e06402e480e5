// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/private_file_internal.hpp>

#include <string>
#include <unistd.h>

namespace keyway {

void require_private(const struct stat& info, const std::filesystem::path& path) {
    const std::string thing = S_ISDIR(info.st_mode) ? "folder " : "file ";
    if(info.st_uid != ::geteuid()) {
        throw Error(Errc::permissions_insecure,
                    "the " + thing + in_quotes(path.string()) +
                        " holds keys but belongs to another user (number " + std::to_string(info.st_uid) + ")",
                    "run as that user, or make the " + thing + "your own with chown");
    }
    if((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        throw Error(Errc::permissions_insecure,
                    "the " + thing + in_quotes(path.string()) + " holds keys but is open to other users",
                    std::string(S_ISDIR(info.st_mode) ? "chmod 700 " : "chmod 600 ") + path.string());
    }
}

}  // namespace keyway
