// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/folder_token_internal.hpp>
#include <softhsm_fixtures/guarded_process_token_internal.hpp>
#include <softhsm_fixtures/helper_token_internal.hpp>
#include <softhsm_fixtures/kinds_token_internal.hpp>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace softhsm_fixtures::internal {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds longest_start{20};

/// The TPM emulator: in PATH, or where packages put it.
[[nodiscard]] std::optional<fs::path> find_swtpm() {
    const char* path = std::getenv("PATH");
    std::istringstream folders(std::string(path == nullptr ? "" : path) +
                               ":/usr/bin:/usr/local/bin:/opt/homebrew/bin");
    for (std::string folder; std::getline(folders, folder, ':');) {
        const fs::path program = fs::path(folder) / "swtpm";
        if (!folder.empty() && ::access(program.c_str(), X_OK) == 0) {
            return program;
        }
    }
    return std::nullopt;
}

/// What the TPM library loads when it is told to talk to swtpm.
[[nodiscard]] bool has_swtpm_transport() {
    for (const char* name : {"libtss2-tcti-swtpm.so.0", "libtss2-tcti-swtpm.0.dylib"}) {
        if (void* library = ::dlopen(name, RTLD_LAZY | RTLD_LOCAL)) {
            ::dlclose(library);
            return true;
        }
    }
    return false;
}

/// Where the TPM library connects to; it wants swtpm's control socket beside it.
[[nodiscard]] fs::path socket_in(const fs::path& folder) {
    fs::path path = folder / "tpm";
    if (path.string().find_first_of(",=") != std::string::npos) {
        throw FixtureError("swtpm cannot read the path \"" + path.string() +
                           "\"; set TMPDIR to one without comma and =");
    }
    if (path.string().size() + std::strlen(".emulator") >= sizeof(sockaddr_un::sun_path)) {
        throw FixtureError("the path \"" + path.string() +
                           "\" is too long for a socket; set TMPDIR to a shorter one");
    }
    return path;
}

[[nodiscard]] bool accepts_connections(const std::string& path) {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const bool connected =
        ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(descriptor);
    return connected;
}

/// A TPM of its own that listens when constructed: the emulator, and a broker between it and the processes that use
/// it, as the kernel is for a TPM of hardware. Without a broker what a process leaves in the TPM's three places for
/// objects stays there, and two processes are too many.
class SoftwareTpm {
public:
    explicit SoftwareTpm(const fs::path& folder)
        : emulator_(emulator_command(folder), folder / "swtpm.log"),
          broker_(broker_command(folder), folder / "broker.log") {
        const auto give_up = std::chrono::steady_clock::now() + longest_start;
        while (!accepts_connections(socket_in(folder).string())) {
            if (!emulator_.running() || !broker_.running() || std::chrono::steady_clock::now() > give_up) {
                throw InitialisationFailed("swtpm does not start; swtpm.log and broker.log tell more in the folder "
                                           "that stays when SOFTHSM_FIXTURES_KEEP is set");
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }

private:
    [[nodiscard]] static std::vector<std::string> emulator_command(const fs::path& folder) {
        const std::string socket = socket_in(folder).string();
        make_private_folder(folder / "swtpm");
        return {find_swtpm().value_or("swtpm").string(),
                "socket",
                "--tpm2",
                "--tpmstate",
                "dir=" + (folder / "swtpm").string(),
                "--server",
                "type=unixio,path=" + socket + ".emulator,mode=0600",
                "--ctrl",
                "type=unixio,path=" + socket + ".ctrl,mode=0600",
                "--flags",
                "not-need-init,startup-clear"};
    }

    [[nodiscard]] static std::vector<std::string> broker_command(const fs::path& folder) {
        const std::string socket = socket_in(folder).string();
        return {find_own_program("softhsm-fixture-tpm-broker").string(), socket + ".emulator", socket};
    }

    GuardedProcess emulator_;
    GuardedProcess broker_;
};

class TpmToken final : public FolderToken {
public:
    TpmToken(const ModuleInfo& module, const TokenOptions& options)
        : FolderToken(module, options), tpm_(directory()) {
        const fs::path store = directory() / "store";
        make_private_folder(store);
        initialise("initialise", {},
                   {{"TPM2_PKCS11_STORE", store.string()},
                    {"TPM2_PKCS11_TCTI", "swtpm:path=" + socket_in(directory()).string()},
                    {"TPM2_PKCS11_BACKEND", "esysdb"}});
    }

private:
    SoftwareTpm tpm_; // ends before the folder goes
};

} // namespace

std::optional<std::string> tpm2_obstacle(const ModuleInfo& /*module*/) {
    if (!find_swtpm()) {
        return "there is no TPM emulator \"swtpm\" in PATH; install swtpm";
    }
    if (!has_swtpm_transport()) {
        return "the TPM library cannot talk to swtpm: libtss2-tcti-swtpm.so.0 is not there; install "
               "libtss2-tcti-swtpm0";
    }
    return std::nullopt;
}

std::unique_ptr<TestToken> make_tpm2_token(const ModuleInfo& module, const TokenOptions& options) {
    return std::make_unique<TpmToken>(module, options);
}

} // namespace softhsm_fixtures::internal
