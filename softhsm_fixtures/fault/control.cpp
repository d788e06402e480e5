// SPDX-License-Identifier: BSD-2-Clause
#include "control.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace pkcs11_fault {

namespace {

constexpr std::size_t most_bytes = 16 * 1024 * 1024; // so that a wrong path does not fill the memory

/// A number for what a file holds up to a place (FNV-1a); never 0.
[[nodiscard]] std::uint64_t key_of(std::string_view text) {
    std::uint64_t key = 0xcbf29ce484222325U;
    for (const char character : text) {
        key = (key ^ static_cast<unsigned char>(character)) * 0x100000001b3U;
    }
    return key | 1U;
}

[[nodiscard]] std::string read_whole(const std::string& path) {
    std::string text;
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0) {
        return text;
    }
    std::array<char, 4096> part{};
    while (text.size() < most_bytes) {
        const ssize_t size = ::read(file, part.data(), part.size());
        if (size <= 0) {
            break;
        }
        text.append(part.data(), static_cast<std::size_t>(size));
    }
    ::close(file);
    return text;
}

} // namespace

Control::Control(const std::optional<std::string>& path) : path_(path) {
    if (!path_) {
        return;
    }
    const int file = ::open(path_->c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (file < 0) {
        throw PlanError("the control file \"" + *path_ +
                        "\" cannot be opened: " + std::generic_category().message(errno));
    }
    ::close(file);
}

void Control::look(const News& news) {
    if (!path_) {
        return;
    }
    const std::lock_guard lock(mutex_);
    struct stat status {};
    if (::stat(path_->c_str(), &status) != 0) {
        return;
    }
    const Version version{status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
    if (version == version_) {
        return;
    }
    version_ = version;
    const std::string text = read_whole(*path_);
    // The usual case is one more line; a test may also write the file anew.
    // Changed and not longer: written anew, perhaps with the same.
    if (!text.starts_with(obeyed_) || (!obeyed_.empty() && text.size() <= obeyed_.size())) {
        obeyed_.clear();
        news.take_back();
    }
    std::size_t start = obeyed_.size();
    std::size_t reset_at = 0;
    // A line without its end is still being written.
    for (std::size_t end = text.find('\n', start); end != std::string::npos; end = text.find('\n', start)) {
        reset_at = obey_line(text.substr(start, end - start), news) ? end : reset_at;
        start = end + 1;
    }
    obeyed_ = text.substr(0, start);
    if (reset_at != 0) {
        news.reset(key_of(std::string_view(text).substr(0, reset_at)));
    }
}

bool Control::obey_line(const std::string& line, const News& news) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
        return false;
    }
    std::optional<Command> command;
    try {
        command = parse_command(line);
    } catch (const PlanError& error) {
        news.refuse(error.what());
        return false;
    }
    if (command->kind == Command::Kind::reset_counters) {
        return true;
    }
    news.obey(*command);
    return false;
}

} // namespace pkcs11_fault
