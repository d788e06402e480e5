// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/descriptor_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/core/file_io.hpp>

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
            "check that the folder exists, is writable and has room"};
}

fs::path folder_of(const fs::path& path) {
    const auto parent = path.parent_path();
    return parent.empty() ? fs::path(".") : parent;
}

void sync_folder(const fs::path& folder) {
    const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // Some file systems refuse to sync a folder (EINVAL); there is nothing more that can be done on them.
    if(fd.get() < 0 || (::fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS)) {
        throw failed("sync", folder, errno);
    }
}

/// A file under a temporary name in the folder of its later place, removed unless it was given that place.
class TemporaryFile {
public:
    TemporaryFile(const fs::path& target, FileAccess access) {
        auto pattern = (folder_of(target) / ("." + target.filename().string() + ".XXXXXX")).string();
        fd_ = ::mkostemp(pattern.data(), O_CLOEXEC);
        if(fd_ < 0) {
            throw failed("write", target, errno);
        }
        path_ = pattern;
        if(access == FileAccess::everyone) {
            // mkostemp gives 0600. The umask can only be read by setting it, which would race with other threads, so
            // the group and others get the right to read only.
            static_cast<void>(::fchmod(fd_, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH));
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
        while(!bytes.empty()) {
            const auto done = ::write(fd_, bytes.data(), bytes.size());
            if(done < 0) {
                if(errno == EINTR) {
                    continue;
                }
                throw failed("write", path_, errno);
            }
            bytes = bytes.subspan(static_cast<std::size_t>(done));
        }
        if(::fsync(fd_) != 0) {
            throw failed("write", path_, errno);
        }
        const int fd = fd_;
        fd_ = -1;
        if(::close(fd) != 0) {
            throw failed("write", path_, errno);
        }
    }

    /// link(2) fails when the name is taken, on every file system and without a race, which rename(2) does not.
    void become_new(const fs::path& target) {
        if(::link(path_.c_str(), target.c_str()) != 0) {
            if(errno == EEXIST) {
                throw Error(Errc::already_exists,
                            "the file " + in_quotes(target.string()) + " is there already",
                            "choose another name; nothing is ever overwritten");
            }
            throw failed("write", target, errno);
        }
        ::unlink(path_.c_str());
        path_.clear();
        sync_folder(folder_of(target));
    }

    void replace(const fs::path& target) {
        if(::rename(path_.c_str(), target.c_str()) != 0) {
            throw failed("write", target, errno);
        }
        path_.clear();
        sync_folder(folder_of(target));
    }

private:
    int fd_ = -1;
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
    TemporaryFile file(path, access);
    file.write(bytes);
    file.become_new(path);
}

void replace_file(const fs::path& path, std::span<const std::uint8_t> bytes, FileAccess access) {
    TemporaryFile file(path, access);
    file.write(bytes);
    file.replace(path);
}

void remove_file(const fs::path& path) {
    if(::unlink(path.c_str()) != 0) {
        throw failed("remove", path, errno);
    }
    sync_folder(folder_of(path));
}

}  // namespace keyway
