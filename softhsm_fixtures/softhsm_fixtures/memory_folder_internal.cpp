// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/memory_folder_internal.hpp>

#include <cstdint>
#if defined(__linux__)
#include <sys/vfs.h>
#include <unistd.h>
#endif

namespace softhsm_fixtures::internal {

#if defined(__linux__)

namespace {

constexpr const char* shared_memory = "/dev/shm";
constexpr std::uint64_t tmpfs_magic = 0x01021994; // linux/magic.h

} // namespace

std::optional<std::filesystem::path> memory_folder(std::size_t objects) {
    // An object and its lock are one page each, and no more than a few when the object is large.
    constexpr std::uint64_t for_each = 16'384;
    constexpr std::uint64_t for_all = 8U << 20U;
    struct statfs info {};
    if (!is_in_memory(shared_memory) || ::statfs(shared_memory, &info) != 0 ||
        ::access(shared_memory, W_OK | X_OK) != 0) {
        return std::nullopt;
    }
    const std::uint64_t room = std::uint64_t{info.f_bavail} * static_cast<std::uint64_t>(info.f_bsize);
    if (room < for_all + for_each * objects) {
        return std::nullopt;
    }
    return shared_memory;
}

bool is_in_memory(const std::filesystem::path& folder) {
    struct statfs info {};
    return ::statfs(folder.c_str(), &info) == 0 && static_cast<std::uint64_t>(info.f_type) == tmpfs_magic;
}

#else

std::optional<std::filesystem::path> memory_folder(std::size_t /*objects*/) { return std::nullopt; }

bool is_in_memory(const std::filesystem::path& /*folder*/) { return false; }

#endif

} // namespace softhsm_fixtures::internal
