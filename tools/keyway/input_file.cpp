// SPDX-License-Identifier: BSD-2-Clause
#include "input_file.hpp"

#include "signals.hpp"

#include <keyway/core/error.hpp>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace keyway::cli {

namespace {

constexpr std::size_t block_size = 64UL * 1024UL;
constexpr std::size_t largest_input = 1024UL * 1024UL;

Error cannot_read(const std::string& name) {
    return {Errc::storage_failed,
            "cannot read " + in_quotes(name) + ": " + std::generic_category().message(errno),
            "check that the file exists and is readable"};
}

int open_input(const std::string& name) {
    const SignalsLetThrough while_waiting;  // a pipe with a name that nobody writes to
    return name == "-" ? STDIN_FILENO : ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

}  // namespace

InputFile::InputFile(const std::string& name)
    : name_(name == "-" ? "standard input" : name),
      fd_(open_input(name)),
      block_(block_size) {
    if(fd_ < 0) {
        throw cannot_read(name_);
    }
}

InputFile::~InputFile() {
    if(fd_ != STDIN_FILENO) {
        ::close(fd_);
    }
}

std::uint64_t InputFile::size() const noexcept {
    struct stat status {};
    const bool known = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
    return known ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::span<const std::uint8_t> InputFile::next() {
    const SignalsLetThrough while_waiting;
    for(;;) {
        const auto got = ::read(fd_, block_.data(), block_.size());
        if(got >= 0) {
            return {block_.data(), static_cast<std::size_t>(got)};
        }
        if(errno != EINTR) {
            throw cannot_read(name_);
        }
    }
}

Botan::secure_vector<std::uint8_t> read_input(const std::string& name) {
    InputFile file(name);
    Botan::secure_vector<std::uint8_t> bytes;
    for(auto block = file.next(); !block.empty(); block = file.next()) {
        bytes.insert(bytes.end(), block.begin(), block.end());
        if(bytes.size() > largest_input) {
            throw Error(Errc::malformed_data, in_quotes(file.name()) + " is larger than 1 MiB",
                        "check that this is the file meant");
        }
    }
    return bytes;
}

}  // namespace keyway::cli
