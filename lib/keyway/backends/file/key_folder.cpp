// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/file/key_folder_internal.hpp>
#include <keyway/core/descriptor_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/core/file_io.hpp>
#include <keyway/key/private_file_internal.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace keyway {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_key_file = 64UL * 1024UL;

Error failed(std::string_view doing, const fs::path& path, int error_number) {
    return {Errc::storage_failed,
            "cannot " + std::string(doing) + " " + in_quotes(path.string()) + ": " +
                std::generic_category().message(error_number),
            "check the folder and who may use it"};
}

/// Opens a folder: what is opened in it later is opened in the one that was checked, whatever its path becomes.
int open_folder(const fs::path& path) {
    return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void require_private_folder(const Descriptor& folder, const fs::path& path) {
    struct stat info {};
    if(::fstat(folder.get(), &info) != 0) {
        throw failed("read the folder", path, errno);
    }
    require_private(info, path);
}

Botan::secure_vector<std::uint8_t> read_all(const Descriptor& file, std::size_t size, const fs::path& path) {
    Botan::secure_vector<std::uint8_t> bytes(size);
    std::size_t done = 0;
    while(done < bytes.size()) {
        const auto got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
        if(got < 0 && errno == EINTR) {
            continue;
        }
        if(got < 0) {
            throw failed("read", path, errno);
        }
        if(got == 0) {
            break;
        }
        done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
}

/// Waits until no other process or thread adds a file to the folder. The lock goes with the descriptor.
void lock(const Descriptor& folder) {
    while(::flock(folder.get(), LOCK_EX) != 0) {
        if(errno != EINTR) {
            return;  // a file system without locks on folders (NFS): only a file's own name is then given once
        }
    }
}

/// Makes the folder, and sees to it that it is there after a power failure: also when it is there already, as another process
/// may have made it and been killed since, or may be about to sync it.
/// @return whether it was made just now
bool make_folder(const fs::path& path) {
    const bool made = ::mkdir(path.c_str(), S_IRWXU) == 0;
    if(!made && errno != EEXIST) {
        throw failed("make the folder", path, errno);
    }
    const auto normal = path.lexically_normal();
    const auto folder = normal.has_filename() ? normal : normal.parent_path();
    const Descriptor parent(open_folder(folder.parent_path()));
    if(parent.get() >= 0) {
        static_cast<void>(
            ::fsync(parent.get()));  // a parent that may not be read, or a file system that cannot
    }
    return made;
}

}  // namespace

KeyFolder::KeyFolder(const fs::path& path) : path_(fs::absolute(path)) {}

std::vector<std::string> KeyFolder::names() const {
    const Descriptor folder(open_folder(path_));
    if(folder.get() < 0) {
        if(errno == ENOENT) {
            return {};
        }
        throw failed("read the folder", path_, errno);
    }
    require_private_folder(folder, path_);
    std::vector<std::string> names;
    std::error_code error;
    for(fs::directory_iterator entry(path_, error); !error && entry != fs::directory_iterator();
        entry.increment(error)) {
        auto name = entry->path().filename().string();
        if(!name.starts_with('.') && (name.ends_with(".pem") || name.ends_with(".der"))) {
            names.push_back(std::move(name));
        }
    }
    if(error) {
        throw failed("read the folder", path_, error.value());
    }
    std::ranges::sort(names);
    return names;
}

bool KeyFolder::has(const std::string& name) const {
    struct stat info {};
    return ::lstat(file(name).c_str(), &info) == 0;
}

std::optional<Botan::secure_vector<std::uint8_t>> KeyFolder::read(const std::string& name) const {
    const Descriptor folder(open_folder(path_));
    if(folder.get() < 0) {
        if(errno == ENOENT) {
            return std::nullopt;
        }
        throw failed("read the folder", path_, errno);
    }
    require_private_folder(folder, path_);
    const auto path = file(name);
    // Without O_NONBLOCK, opening a pipe would wait for somebody to write to it.
    const Descriptor key(
        ::openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if(key.get() < 0) {
        if(errno == ENOENT) {
            return std::nullopt;
        }
        if(errno == ELOOP) {
            throw Error(Errc::permissions_insecure,
                        "the key file " + in_quotes(path.string()) + " is a symbolic link",
                        "put the file itself into the folder");
        }
        throw failed("read", path, errno);
    }
    struct stat info {};
    if(::fstat(key.get(), &info) != 0) {
        throw failed("read", path, errno);
    }
    if(!S_ISREG(info.st_mode) || std::cmp_greater(info.st_size, largest_key_file)) {
        throw Error(Errc::malformed_data,
                    in_quotes(path.string()) + " is no key file: it is no regular file or larger than 64 KiB",
                    "move it out of the folder");
    }
    require_private(info, path);
    return read_all(key, static_cast<std::size_t>(info.st_size), path);
}

void KeyFolder::add(const std::string& name,
                    std::span<const std::uint8_t> bytes,
                    const std::function<void()>& require_free) const {
    const bool made = make_folder(path_);
    try {
        const Descriptor folder(open_folder(path_));
        if(folder.get() < 0) {
            throw failed("read the folder", path_, errno);
        }
        require_private_folder(folder, path_);
        lock(folder);
        require_free();
        write_new_file(file(name), bytes, FileAccess::owner_only);
    } catch(...) {
        if(made) {
            ::rmdir(path_.c_str());  // which does nothing when somebody else has put something into it
        }
        throw;
    }
}

void KeyFolder::require_writable() const {
    const Descriptor folder(open_folder(path_));
    if(folder.get() < 0) {
        if(errno == ENOENT) {
            throw Error(Errc::storage_failed, "the folder " + in_quotes(path_.string()) + " is not there yet",
                        "it is made when the first key is put into it");
        }
        throw failed("read the folder", path_, errno);
    }
    require_private_folder(folder, path_);
    require_room(folder.get(), path_, 8192);  // more than any key
}

void KeyFolder::remove(const std::string& name) const {
    remove_file(file(name));
}

}  // namespace keyway
