// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/capability_version_internal.hpp>
#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/folder_token_internal.hpp>
#include <softhsm_fixtures/helper_token_internal.hpp>
#include <softhsm_fixtures/kinds_token_internal.hpp>

#include <algorithm>
#include <cerrno>
#include <grp.h>
#include <map>
#include <mutex>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace softhsm_fixtures::internal {

namespace {

namespace fs = std::filesystem;

/// The first version that keeps all of a token in the folder of PKCS_APP_STORE. Earlier ones write half of it to
/// the root folder, so that all tokens were one.
constexpr const char* first_usable = "3.12";

constexpr const char* group_name = "pkcs11";

/// What the token wants its files to belong to.
[[nodiscard]] gid_t group_of_tokens() {
    const struct group* found = ::getgrnam(group_name);
    if (found == nullptr) {
        throw FixtureError("there is no group \"" + std::string(group_name) + "\", which opencryptoki needs");
    }
    return found->gr_gid;
}

void make_group_folder(const fs::path& path) {
    if (::mkdir(path.c_str(), 0770) != 0 || ::chown(path.c_str(), static_cast<uid_t>(-1), group_of_tokens()) != 0 ||
        ::chmod(path.c_str(), 0770) != 0) {
        throw FixtureError("cannot make the folder \"" + path.string() + "\" of the group \"" + group_name +
                           "\": " + std::generic_category().message(errno));
    }
}

/// Removes the shared memory that every process with the token leaves behind.
class SharedMemory {
public:
    explicit SharedMemory(const fs::path& store) : owner_(::getpid()), prefix_(store.string().substr(1) + '.') {
        std::replace(prefix_.begin(), prefix_.end(), '/', '.');
    }
    ~SharedMemory() {
        if (owner_ != ::getpid()) {
            return;
        }
        std::error_code ignored;
        for (fs::directory_iterator entry("/dev/shm", ignored), end; entry != end; entry.increment(ignored)) {
            if (entry->path().filename().string().starts_with(prefix_)) {
                fs::remove(entry->path(), ignored);
            }
        }
    }
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;

private:
    pid_t owner_;
    std::string prefix_;
};

class OpencryptokiToken final : public FolderToken {
public:
    OpencryptokiToken(const ModuleInfo& module, const TokenOptions& options)
        : FolderToken(module, options, {.shortest = 4, .longest = 8}), memory_(directory() / "store") {
        const fs::path store = directory() / "store";
        for (const fs::path& folder : {store, store / "swtok", store / "swtok" / "TOK_OBJ"}) {
            make_group_folder(folder);
        }
        initialise("opencryptoki", {}, {{"PKCS_APP_STORE", store.string()}});
    }

private:
    SharedMemory memory_;
};

/// The version of the library, and thereby whether it finds its daemon; asked until it does.
[[nodiscard]] std::string version_of(const ModuleInfo& module) {
    static std::mutex mutex;
    static auto& known = *new std::map<fs::path, std::string>; // NOLINT(cppcoreguidelines-owning-memory)
    const fs::path path = module.find().value_or("");
    const std::lock_guard lock(mutex);
    if (const auto found = known.find(path); found != known.end()) {
        return found->second;
    }
    const TemporaryFolder folder(module.name());
    return known[path] = version_from_helper({.path = fs::absolute(path), .folder = folder.path()});
}

} // namespace

std::optional<std::string> opencryptoki_obstacle(const ModuleInfo& module) {
    try {
        const std::string version = version_of(module);
        if (!in_range(version, first_usable, {})) {
            return "version " + version + " has one soft token for the whole machine; " + first_usable +
                   " is the first that can have one in a folder of its own";
        }
        return std::nullopt;
    } catch (const InitialisationFailed& error) {
        return std::string(error.what()) + "; its daemon pkcsslotd has to run, and whoever tests has to be root or in "
                                           "the group \"" + group_name + "\"";
    }
}

std::unique_ptr<TestToken> make_opencryptoki_token(const ModuleInfo& module, const TokenOptions& options) {
    return std::make_unique<OpencryptokiToken>(module, options);
}

} // namespace softhsm_fixtures::internal
