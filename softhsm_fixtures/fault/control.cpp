// SPDX-License-Identifier: BSD-2-Clause
#include "control.hpp"

#include <algorithm>
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

/// Much longer than the ticks of the clock that files get their times from.
constexpr long coarse_nanoseconds = 100'000'000;

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
    struct stat status {};
    const bool usable = ::fstat(file, &status) == 0 && !S_ISFIFO(status.st_mode);
    ::close(file);
    if (!usable) {
        throw PlanError("the control file \"" + *path_ + "\" is a pipe: each process has to read it from its beginning");
    }
}

Control::Version Control::version_of(const struct stat& status) {
    return {status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

bool Control::is_young(const Version& version) {
    struct timespec now {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const auto seconds = now.tv_sec - version.seconds;
    return seconds >= 0 && seconds <= 1 &&
           seconds * 1'000'000'000L + now.tv_nsec - version.nanoseconds < coarse_nanoseconds;
}

std::optional<Control::Content> Control::read() const {
    const int file = ::open(path_->c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status {};
    if (file < 0) {
        return std::nullopt;
    }
    if (::fstat(file, &status) != 0) {
        ::close(file);
        return std::nullopt;
    }
    Content content{version_of(status), {}};
    // No more than was there when its size was told: what is appended meanwhile is for the next look, to which the file
    // has grown. Else that would take it for one that was written anew with the same lines.
    const std::size_t size = std::min(most_bytes, static_cast<std::size_t>(status.st_size));
    std::array<char, 4096> part{};
    while (content.text.size() < size) {
        const ssize_t got = ::read(file, part.data(), std::min(part.size(), size - content.text.size()));
        if (got <= 0) {
            break;
        }
        content.text.append(part.data(), static_cast<std::size_t>(got));
    }
    ::close(file);
    return content;
}

void Control::look(const News& news) {
    if (!path_) {
        return;
    }
    const std::lock_guard lock(mutex_);
    struct stat status {};
    if (::stat(path_->c_str(), &status) != 0 || (version_of(status) == version_ && !may_change_unseen_)) {
        return;
    }
    const auto content = read();
    if (!content) {
        return;
    }
    const bool changed = content->version != version_;
    const auto size = static_cast<std::size_t>(content->version.size);
    if (changed && size > most_bytes) {
        news.refuse("longer than " + std::to_string(most_bytes) + " bytes: what is behind them is not read");
    }
    // The usual case is one more line; a test may also write the file anew.
    // Changed and not longer: written anew, perhaps with the same.
    if (!content->text.starts_with(obeyed_) || (changed && !obeyed_.empty() && size <= obeyed_.size())) {
        obeyed_.clear();
        written_anew_ = true;
        news.take_back();
    }
    version_ = content->version;
    may_change_unseen_ = is_young(version_);
    obey_new_lines(content->text, news);
}

void Control::obey_new_lines(const std::string& text, const News& news) {
    std::size_t start = obeyed_.size();
    std::size_t reset_at = 0;
    // A line without its end is still being written.
    for (std::size_t end = text.find('\n', start); end != std::string::npos; end = text.find('\n', start)) {
        reset_at = obey_line(text.substr(start, end - start), news) ? end : reset_at;
        start = end + 1;
    }
    obeyed_ = text.substr(0, start);
    if (reset_at != 0) {
        news.reset(key_of(std::string_view(text).substr(0, reset_at)), written_anew_);
        written_anew_ = false;
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
