// SPDX-License-Identifier: BSD-2-Clause
// The C library's functions that change files, in front of the C library: they do what it does, and record it.
#include <backends/file/disk_recorder.hpp>

#include <cerrno>
#include <cstdarg>
#include <dlfcn.h>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

namespace keyway::test {

namespace {

struct Recording {
    std::string root;
    DiskRecorder::Offers offers;
    std::vector<DiskCall> calls{};
    int files = 0;
    std::map<int, int> open_files{};              // descriptor, number of the file
    std::map<int, std::string> open_folders{};    // descriptor, path
    std::map<std::string, int> named_files{};     // path, number of the file
};

Recording* recording = nullptr;

/// The path below the root, or nothing.
std::optional<std::string> below(std::string_view path) {
    if(recording == nullptr || !path.starts_with(recording->root)) {
        return std::nullopt;
    }
    path.remove_prefix(recording->root.size());
    while(path.starts_with('/')) {
        path.remove_prefix(1);
    }
    while(path.ends_with('/') || path == "." || path.ends_with("/.")) {
        path.remove_suffix(1);
    }
    return std::string(path);
}

template <typename Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

void record(DiskCall call) {
    recording->calls.push_back(std::move(call));
}

int recorded_open(int fd, const char* path, int flags) {
    if(fd < 0 || recording == nullptr) {
        return fd;
    }
    recording->open_files.erase(fd);
    recording->open_folders.erase(fd);
    const auto name = below(path);
    if(!name) {
        return fd;
    }
    if((flags & O_TMPFILE) == O_TMPFILE) {
        recording->open_files[fd] = recording->files++;
    } else if((flags & O_DIRECTORY) != 0) {
        recording->open_folders[fd] = *name;
    } else if((flags & O_CREAT) != 0) {
        const int file = recording->files++;
        recording->open_files[fd] = file;
        recording->named_files[*name] = file;
        record({.kind = DiskCall::Kind::make_file, .file = file, .path = *name});
    }
    return fd;
}

/// Of a call that changes one name, when it did.
int recorded_change(int result, DiskCall::Kind kind, const char* path) {
    if(const auto name = below(path); name && result == 0) {
        record({.kind = kind, .path = *name});
    }
    return result;
}

bool is_refused(const char* path, int flags) {
    return (flags & O_TMPFILE) == O_TMPFILE && below(path) && recording->offers == DiskRecorder::Offers::named_files_only;
}

}  // namespace

DiskRecorder::DiskRecorder(const std::filesystem::path& root, Offers offers) {
    recording = new Recording{.root = root.string(), .offers = offers};
}

DiskRecorder::~DiskRecorder() {
    delete recording;
    recording = nullptr;
}

const std::vector<DiskCall>& DiskRecorder::calls() const {
    return recording->calls;
}

}  // namespace keyway::test

using namespace keyway::test;
using Kind = DiskCall::Kind;

extern "C" {

int open64(const char* path, int flags, ...) {
    std::va_list arguments;
    va_start(arguments, flags);
    const auto mode = va_arg(arguments, mode_t);
    va_end(arguments);
    if(is_refused(path, flags)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return recorded_open(next<int(const char*, int, ...)>("open64")(path, flags, mode), path, flags);
}

int close(int fd) {
    if(recording != nullptr) {
        recording->open_files.erase(fd);
        recording->open_folders.erase(fd);
    }
    return next<int(int)>("close")(fd);
}

ssize_t write(int fd, const void* bytes, size_t size) {
    const auto done = next<ssize_t(int, const void*, size_t)>("write")(fd, bytes, size);
    if(recording != nullptr && done > 0) {
        if(const auto file = recording->open_files.find(fd); file != recording->open_files.end()) {
            record({.kind = Kind::write, .file = file->second,
                    .data = std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(done))});
        }
    }
    return done;
}

int fsync(int fd) {
    const int result = next<int(int)>("fsync")(fd);
    if(recording != nullptr && result == 0) {
        if(const auto file = recording->open_files.find(fd); file != recording->open_files.end()) {
            record({.kind = Kind::sync_file, .file = file->second});
        } else if(const auto folder = recording->open_folders.find(fd); folder != recording->open_folders.end()) {
            record({.kind = Kind::sync_folder, .path = folder->second});
        }
    }
    return result;
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
    const int result = next<int(int, const char*, int, const char*, int)>("linkat")(from_folder, from, to_folder, to, flags);
    if(const auto name = below(to); name && result == 0) {
        const int file = recording->open_files.at(std::stoi(std::string(from).substr(std::string_view("/proc/self/fd/").size())));
        recording->named_files[*name] = file;
        record({.kind = Kind::link, .file = file, .to = *name});
    }
    return result;
}

int link(const char* from, const char* to) noexcept {
    const int result = next<int(const char*, const char*)>("link")(from, to);
    const auto name = below(from);
    if(const auto new_name = below(to); name && new_name && result == 0) {
        const int file = recording->named_files.at(*name);
        recording->named_files[*new_name] = file;
        record({.kind = Kind::link, .file = file, .to = *new_name});
    }
    return result;
}

int rename(const char* from, const char* to) noexcept {
    const int result = next<int(const char*, const char*)>("rename")(from, to);
    const auto name = below(from);
    if(const auto new_name = below(to); name && new_name && result == 0) {
        record({.kind = Kind::rename, .path = *name, .to = *new_name});
    }
    return result;
}

int unlink(const char* path) noexcept {
    return recorded_change(next<int(const char*)>("unlink")(path), DiskCall::Kind::unlink, path);
}

int mkdir(const char* path, mode_t mode) noexcept {
    return recorded_change(next<int(const char*, mode_t)>("mkdir")(path, mode), DiskCall::Kind::make_folder, path);
}

int rmdir(const char* path) noexcept {
    return recorded_change(next<int(const char*)>("rmdir")(path), DiskCall::Kind::remove_folder, path);
}

}  // extern "C"
