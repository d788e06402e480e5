// SPDX-License-Identifier: BSD-2-Clause
#include "audit.hpp"

#include "json_output.hpp"

#include <keyway/core/error.hpp>
#include <keyway/core/file_io.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace keyway::cli {

namespace {

namespace fs = std::filesystem;

constexpr int format_version = 1;

/// Of each line, and so of the file.
constexpr std::string_view beginning = R"({"keyway-audit":)";

/// 0, or why there is no lock.
int lock_in_time(int fd, std::chrono::milliseconds wait) {
    const auto end = std::chrono::steady_clock::now() + wait;
    while(::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if(errno != EWOULDBLOCK && errno != EINTR) {
            return errno;
        }
        if(std::chrono::steady_clock::now() >= end) {
            return ETIMEDOUT;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return 0;
}

Error cannot(const std::string& what, const fs::path& file, int error_number) {
    return {Errc::storage_failed,
            "cannot " + what + " the audit record " + in_quotes(file.string()) + ": " +
                std::generic_category().message(error_number),
            "no key is used that cannot be recorded: check the file of --audit, or of \"audit\" in the settings"};
}

fs::path folder_of(const fs::path& file) {
    return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// Who can change it, or read it, is its owner.
void require_own(const fs::path& file, int fd) {
    struct stat status {};
    if(::fstat(fd, &status) != 0) {
        throw cannot("open", file, errno);
    }
    if(!S_ISREG(status.st_mode)) {
        throw Error(Errc::storage_failed, "the audit record " + in_quotes(file.string()) + " is no file", "name a file");
    }
    if(status.st_uid != ::geteuid()) {
        throw Error(Errc::permissions_insecure, "the audit record " + in_quotes(file.string()) + " belongs to another user",
                    "name a file of your own");
    }
    if((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        throw Error(Errc::permissions_insecure, "the audit record " + in_quotes(file.string()) + " is open to other users",
                    "chmod 600 " + file.string());
    }
    // A slip must not add lines to a passphrase or a key.
    std::array<char, beginning.size()> found{};
    if(status.st_nlink > 1 || (status.st_size > 0 && (::pread(fd, found.data(), found.size(), 0) != static_cast<ssize_t>(found.size()) ||
                                                      std::string_view(found.data(), found.size()) != beginning))) {
        throw Error(Errc::storage_failed, in_quotes(file.string()) + " is another file than an audit record, or has a second name",
                    "name a new file, or one that --audit made");
    }
}

int open_record(const fs::path& file, Audit::Mode mode) {
    // Not through a link: whoever placed it would choose the file. Without waiting, for the reader of a pipe.
    constexpr int how = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    int fd = ::open(file.c_str(), how);
    if(fd < 0 && errno == ENOENT && mode != Audit::Mode::write) {
        if(::faccessat(AT_FDCWD, folder_of(file).c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
            throw cannot("make", file, errno);
        }
        return fd;
    }
    if(fd < 0 && errno == ENOENT) {
        fd = ::open(file.c_str(), how | O_CREAT, S_IRUSR | S_IWUSR);
        if(fd < 0) {
            throw cannot("make", file, errno);
        }
        try {
            // A name that is gone after a power cut would take its lines with it.
            sync_name(file);
        } catch(const Error&) {
            ::close(fd);
            throw;
        }
        return fd;
    }
    if(fd < 0) {
        throw cannot("open", file, errno);
    }
    return fd;
}

Json text_or_null(std::string_view text) {
    return text.empty() ? Json() : Json(text);
}

struct Outcome {
    std::string_view error{};  ///< its class; empty: it went well
    int failures = 0;
    bool repeated = false;
};

std::string line_of(Json entry, const Outcome& outcome) {
    Json line{{"keyway-audit", format_version},
              {"time", to_iso_8601(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()))},
              {"uid", ::getuid()},
              {"pid", ::getpid()}};
    line.update(entry);
    line["outcome"] = outcome.error.empty() ? "ok" : std::string(outcome.error);
    line["failures"] = outcome.failures;
    line["repeated"] = outcome.repeated;
    return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json json_of(const AuditEntry& entry) {
    const auto& ref = entry.ref;
    return {{"operation", entry.operation},
            {"backend", text_or_null(entry.backend)},
            {"label", text_or_null(entry.label)},
            {"reference", ref ? Json(ref->to_string()) : Json()},
            {"spki-sha256", ref ? Json(ref->fingerprint().to_string()) : Json()},
            {"fallback-from", ref && ref->fallback_from() ? Json(ref->fallback_from()->str()) : Json()},
            {"object", text_or_null(entry.object)}};
}

Json json_of(const KeyUse& use) {
    return {{"operation", std::string(use.operation)},
            {"backend", std::string(use.backend)},
            {"label", text_or_null(use.label)},
            {"reference", Json()},
            {"spki-sha256", text_or_null(use.spki_sha256)},
            {"fallback-from", text_or_null(use.fallback_from)},
            {"object", Json()}};
}

}  // namespace

Audit::Audit(fs::path file, Mode mode, std::chrono::milliseconds wait)
    : file_(std::move(file)), mode_(mode), wait_(wait), fd_(open_record(file_, mode_)) {
    try {
        if(fd_ >= 0) {
            require_own(file_, fd_);
        }
    } catch(const Error&) {
        ::close(fd_);
        throw;
    }
}

Audit::~Audit() {
    if(fd_ >= 0) {
        ::close(fd_);
    }
}

void Audit::begin(const AuditEntry& entry) {
    const std::lock_guard lock(mutex_);
    current_ = entry;
    failures_ = 0;
    repeated_ = false;
}

void Audit::end(const AuditEntry& entry, const Error* error) {
    const std::lock_guard lock(mutex_);
    current_.reset();
    add(line_of(json_of(entry),
                {.error = error == nullptr ? std::string_view() : to_string(error->code()),
                 .failures = failures_,
                 .repeated = repeated_}));
    failures_ = 0;
    repeated_ = false;
}

void Audit::observe(const KeyUse& use) {
    // That a key was opened is no use of it, and that it was made is told by who made it.
    if(use.operation == "open" || use.operation == "create") {
        return;
    }
    const std::lock_guard lock(mutex_);
    if(current_ && !use.spki_sha256.empty() && current_->backend == use.backend &&
       (!current_->ref || current_->ref->fingerprint().to_string() == use.spki_sha256)) {
        failures_ += use.failures;
        repeated_ = repeated_ || use.repeated;
        return;
    }
    add(line_of(json_of(use),
                {.error = use.error == nullptr ? std::string_view() : to_string(use.error->code()),
                 .failures = use.failures,
                 .repeated = use.repeated}));
}

void Audit::add(const std::string& line) {
    if(mode_ == Mode::look) {
        return;
    }
    if(fd_ < 0) {
        fd_ = open_record(file_, Mode::write);
        require_own(file_, fd_);
    }
    if(const int error_number = lock_in_time(fd_, wait_); error_number != 0) {
        throw cannot("lock", file_, error_number);
    }
    const int error_number = add_locked(line);
    static_cast<void>(::flock(fd_, LOCK_UN));
    if(error_number != 0) {
        throw cannot("add to", file_, error_number);
    }
}

int Audit::add_locked(std::string line) const {
    struct stat before {};
    if(::fstat(fd_, &before) != 0) {
        return errno;
    }
    if(before.st_nlink == 0) {
        return ENOENT;  // removed since it was opened: nobody would read the line
    }
    char last = '\n';
    if(before.st_size > 0 && ::pread(fd_, &last, 1, before.st_size - 1) == 1 && last != '\n') {
        line.insert(line.begin(), '\n');  // half a line of somebody who was stopped by force stays apart
    }
    const auto done = ::write(fd_, line.data(), line.size());
    int error_number = done < 0 ? errno : done != static_cast<ssize_t>(line.size()) ? ENOSPC : 0;
    if(error_number == 0 && ::fsync(fd_) != 0) {
        error_number = errno;
    }
    // Half a line, where the disk is full, is taken back; nobody else adds one meanwhile.
    if(error_number != 0 && done > 0) {
        static_cast<void>(::ftruncate(fd_, before.st_size));
    }
    return error_number;
}

}  // namespace keyway::cli
