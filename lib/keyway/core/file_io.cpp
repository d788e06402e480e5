// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/descriptor_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/core/file_io.hpp>

#include <botan/hex.h>
#include <botan/system_rng.h>

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace keyway {

namespace {

namespace fs = std::filesystem;

Error failed(std::string_view doing, const fs::path& path, int error_number) {
    return {Errc::storage_failed,
            "cannot " + std::string(doing) + " " + in_quotes(path.string()) + ": " +
                std::generic_category().message(error_number),
            doing == "read" ? "check that the file exists and is readable"
                            : "check that the folder exists, is writable and has room"};
}

fs::path folder_of(const fs::path& path) {
    const auto parent = path.parent_path();
    return parent.empty() ? fs::path(".") : parent;
}

mode_t mode_of(FileAccess access) {
    return access == FileAccess::owner_only ? S_IRUSR | S_IWUSR
                                            : S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
}

/// The folder a change is made in, opened before the change so that nothing but the sync itself can fail after it.
class SyncedFolder {
public:
    SyncedFolder(const fs::path& target, std::string_view doing)
        : path_(folder_of(target)), fd_(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
        // A folder that may be written but not read cannot be synced; there is nothing more that can be done for it.
        if(fd_.get() < 0 && errno != EACCES && errno != EPERM) {
            throw failed(doing, target, errno);
        }
    }

    void sync() const {
        // Some file systems refuse to sync a folder (EINVAL).
        if(fd_.get() >= 0 && ::fsync(fd_.get()) != 0 && errno != EINVAL && errno != EROFS) {
            throw failed("sync", path_, errno);
        }
    }

private:
    fs::path path_;
    Descriptor fd_;
};

void write_all(int fd, std::span<const std::uint8_t> bytes, const fs::path& target) {
    while(!bytes.empty()) {
        const auto done = ::write(fd, bytes.data(), bytes.size());
        if(done < 0) {
            if(errno == EINTR) {
                continue;
            }
            throw failed("write", target, errno);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
    if(::fsync(fd) != 0) {
        throw failed("write", target, errno);
    }
}

Error taken(const fs::path& target) {
    return {Errc::already_exists,
            "the file " + in_quotes(target.string()) + " is there already",
            "choose another name; nothing is ever overwritten"};
}

/// Writes a file that has no name until it is whole: not even a process that is killed leaves anything behind.
/// @return false, and nothing written, where the system does not offer that
bool write_nameless(const fs::path& target, std::span<const std::uint8_t> bytes, FileAccess access) {
    const Descriptor file(::open(folder_of(target).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode_of(access)));
    if(file.get() < 0) {
        return false;  // whatever the reason: one that is not the lack of O_TMPFILE comes up again, with a name
    }
    write_all(file.get(), bytes, target);
    // By way of /proc: naming the descriptor itself takes a privilege.
    const auto path = "/proc/self/fd/" + std::to_string(file.get());
    if(::linkat(AT_FDCWD, path.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW) == 0) {
        return true;
    }
    if(errno == EEXIST) {
        throw taken(target);
    }
    return false;
}

/// A file under a temporary name in the folder of its later place, removed unless it was given that place.
class TemporaryFile {
public:
    TemporaryFile(const fs::path& target, FileAccess access) : target_(target) {
        // Not mkostemp: that gives mode 0600 always, and the umask cannot be asked for without setting it.
        const auto beginning = "." + target.filename().string() + ".";
        constexpr int most_attempts = 100;
        for(int attempt = 0; fd_ < 0; ++attempt) {
            const auto suffix = Botan::hex_encode(Botan::system_rng().random_vec(6), false);
            path_ = folder_of(target) / (beginning + suffix);
            fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode_of(access));
            if(fd_ < 0 && (errno != EEXIST || attempt == most_attempts)) {
                throw failed("write", target, errno);
            }
        }
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        if(fd_ >= 0) {
            ::close(fd_);
        }
        if(!path_.empty()) {
            ::unlink(path_.c_str());
        }
    }

    void write(std::span<const std::uint8_t> bytes) {
        write_all(fd_, bytes, target_);
        const int fd = fd_;
        fd_ = -1;
        if(::close(fd) != 0) {
            throw failed("write", target_, errno);
        }
    }

    /// link(2) fails when the name is taken, on every file system and without a race, which rename(2) does not.
    void become_new() {
        if(::link(path_.c_str(), target_.c_str()) != 0) {
            throw errno == EEXIST ? taken(target_) : failed("write", target_, errno);
        }
    }

    void replace() {
        if(::rename(path_.c_str(), target_.c_str()) != 0) {
            throw failed("write", target_, errno);
        }
        path_.clear();
    }

private:
    int fd_ = -1;
    fs::path target_;
    fs::path path_;
};

}  // namespace

Botan::secure_vector<std::uint8_t> read_file(const fs::path& path, std::size_t limit) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    struct stat info {};
    if(fd.get() < 0 || ::fstat(fd.get(), &info) != 0) {
        throw failed("read", path, errno);
    }
    if(S_ISDIR(info.st_mode)) {
        throw failed("read", path, EISDIR);
    }
    Botan::secure_vector<std::uint8_t> bytes;
    Botan::secure_vector<std::uint8_t> block(4096);
    for(;;) {
        const auto got = ::read(fd.get(), block.data(), block.size());
        if(got < 0) {
            if(errno == EINTR) {
                continue;
            }
            throw failed("read", path, errno);
        }
        if(got == 0) {
            break;
        }
        bytes.insert(bytes.end(), block.begin(), block.begin() + got);
        if(bytes.size() > limit) {
            throw Error(Errc::malformed_data,
                        "the file " + in_quotes(path.string()) + " is larger than " + std::to_string(limit) + " bytes",
                        "check that this is the file meant");
        }
    }
    return bytes;
}

void write_new_file(const fs::path& path, std::span<const std::uint8_t> bytes, FileAccess access) {
    const SyncedFolder folder(path, "write");
    if(!write_nameless(path, bytes, access)) {
        TemporaryFile file(path, access);
        file.write(bytes);
        file.become_new();
    }
    folder.sync();
}

void replace_file(const fs::path& path, std::span<const std::uint8_t> bytes, FileAccess access) {
    const SyncedFolder folder(path, "write");
    TemporaryFile file(path, access);
    file.write(bytes);
    file.replace();
    folder.sync();
}

void sync_name(const fs::path& path) {
    SyncedFolder(path, "write").sync();
}

void remove_file(const fs::path& path) {
    const SyncedFolder folder(path, "remove");
    if(::unlink(path.c_str()) != 0) {
        throw failed("remove", path, errno);
    }
    folder.sync();
}

}  // namespace keyway
