// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/private_file_internal.hpp>

#include <softhsm_fixtures/errors.hpp>

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>

namespace softhsm_fixtures::internal {

void write_private_file(const std::filesystem::path& path, std::string_view text) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        throw FixtureError("cannot make \"" + path.string() +
                           "\": " + std::generic_category().message(errno));
    }
    bool written = true;
    while (written && !text.empty()) {
        const ssize_t size = ::write(file, text.data(), text.size());
        written = size > 0;
        text.remove_prefix(written ? static_cast<std::size_t>(size) : 0);
    }
    if (::close(file) != 0 || !written) {
        ::unlink(path.c_str());
        throw FixtureError("cannot write \"" + path.string() + "\"; is the disk full?");
    }
}

} // namespace softhsm_fixtures::internal
