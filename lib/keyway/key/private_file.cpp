// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/descriptor_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/key/private_file_internal.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <vector>

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

void require_room(int folder, const std::filesystem::path& path, std::size_t size) {
    const auto failed = [&](int error_number) {
        return Error(Errc::storage_failed,
                     "cannot write into the folder " + in_quotes(path.string()) + ": " +
                         std::generic_category().message(error_number),
                     "check the folder, who may use it, and whether it has room");
    };
    const Descriptor file(::openat(folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if(file.get() < 0) {
        const int error = errno;
        const bool has_none = error == EOPNOTSUPP || error == EISDIR || error == EINVAL;
        if(has_none && ::faccessat(folder, ".", W_OK | X_OK, AT_EACCESS) == 0) {
            return;
        }
        throw failed(has_none ? errno : error);
    }
    const std::vector<std::uint8_t> zeros(std::min<std::size_t>(size, 64UL * 1024UL));
    for(std::size_t done = 0; done < size;) {
        const auto written = ::write(file.get(), zeros.data(), std::min(zeros.size(), size - done));
        if(written < 0 && errno == EINTR) {
            continue;
        }
        if(written <= 0) {
            throw failed(written < 0 ? errno : ENOSPC);
        }
        done += static_cast<std::size_t>(written);
    }
}

}  // namespace keyway
