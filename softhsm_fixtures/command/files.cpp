// SPDX-License-Identifier: BSD-2-Clause
#include "files.hpp"

#include "failure.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <system_error>
#include <unistd.h>

namespace softhsm_fixtures::command {

namespace {

void write_all(const std::filesystem::path& path, int flags, std::string_view text) {
    const int file = ::open(path.c_str(), flags | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) {
        throw Failure(Status::failed,
                      "cannot open \"" + path.string() + "\" to write: " + std::generic_category().message(errno));
    }
    const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int error = errno;
    if (::close(file) != 0 || !written) {
        throw Failure(Status::failed,
                      "cannot write \"" + path.string() + "\": " + std::generic_category().message(error));
    }
}

} // namespace

void fill_standard_descriptors() noexcept {
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(standard, F_GETFD) < 0 && errno == EBADF) {
            // The wrong way round, so that reading and writing fail as they do where nothing is open.
            static_cast<void>(::open("/dev/null", standard == STDIN_FILENO ? O_WRONLY : O_RDONLY));
        }
    }
}

void write_private_file(const std::filesystem::path& path, std::string_view text) {
    write_all(path, O_CREAT | O_EXCL, text);
}

std::string read_file(const std::filesystem::path& path, std::string_view what) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        throw Failure(Status::failed, "the " + std::string(what) + " \"" + path.string() + "\" is a folder");
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw Failure(Status::failed, "cannot read the " + std::string(what) + " \"" + path.string() +
                                          "\": " + std::generic_category().message(errno));
    }
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void append_line(const std::filesystem::path& path, std::string_view line) {
    write_all(path, O_APPEND | O_CREAT, std::string(line) + '\n');
}

} // namespace softhsm_fixtures::command
