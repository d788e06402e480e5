// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/token_initialiser_internal.hpp>

#include <softhsm_fixtures/errors.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

// POSIX declares it in no header.
extern char** environ; // NOLINT(readability-redundant-declaration)

namespace softhsm_fixtures::internal {

namespace {

constexpr const char* helper_name = "softhsm-fixture-init";
constexpr const char* helper_variable = "SOFTHSM_FIXTURES_INIT";
constexpr std::string_view config_variable = "SOFTHSM2_CONF=";

/// The folder that holds this library, or the program it was linked into; empty when that cannot be told.
[[nodiscard]] std::filesystem::path own_folder() {
    static const char anchor = 0;
    Dl_info info{};
    if (::dladdr(&anchor, &info) == 0 || info.dli_fname == nullptr) {
        return {};
    }
    return std::filesystem::path(info.dli_fname).parent_path();
}

[[nodiscard]] std::filesystem::path find_helper() {
    if (const char* wanted = std::getenv(helper_variable); wanted != nullptr && *wanted != '\0') {
        return wanted;
    }
    // Beside the library is where a build folder has it.
    const std::filesystem::path folders[] = {own_folder(), SOFTHSM_FIXTURES_HELPER_FOLDER};
    std::string searched;
    for (const auto& folder : folders) {
        if (folder.empty()) {
            continue;
        }
        if (auto helper = folder / helper_name; ::access(helper.c_str(), X_OK) == 0) {
            return helper;
        }
        searched += (searched.empty() ? "\"" : ", \"") + folder.string() + '"';
    }
    throw InitialisationFailed("the helper \"" + std::string(helper_name) + "\" is not in any of " +
                               searched + "; set " + helper_variable + " to its path");
}

/// What the spawned process finds open: nothing to read, and a file to write its report to.
class FileActions {
public:
    explicit FileActions(const std::filesystem::path& report) {
        if (const int error = ::posix_spawn_file_actions_init(&actions_); error != 0) {
            throw std::system_error(error, std::generic_category());
        }
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, report.c_str(),
                                           O_WRONLY | O_CREAT | O_TRUNC, 0600);
    }
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;

    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

/// The strings as the null-terminated array of pointers that exec takes; they must outlive it.
[[nodiscard]] std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (auto& string : strings) {
        result.push_back(string.data());
    }
    result.push_back(nullptr);
    return result;
}

[[nodiscard]] std::vector<std::string> environment_with_config(const std::filesystem::path& config) {
    std::vector<std::string> environment;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        if (std::strncmp(*entry, config_variable.data(), config_variable.size()) != 0) {
            environment.emplace_back(*entry);
        }
    }
    environment.push_back(std::string(config_variable) + config.string());
    return environment;
}

/// Waits for the process to end and says how, in words for an error message.
[[nodiscard]] std::string wait_for(pid_t process) {
    int status = 0;
    while (::waitpid(process, &status, 0) < 0) {
        if (errno != EINTR) {
            // The test program ignores SIGCHLD; the report still tells success from failure.
            return "ended unobserved";
        }
    }
    if (WIFSIGNALED(status)) {
        return "was killed by signal " + std::to_string(WTERMSIG(status));
    }
    return "exited with status " + std::to_string(WEXITSTATUS(status));
}

/// The rest of the report's line that begins with `word`; empty when there is none.
[[nodiscard]] std::string reported(const std::filesystem::path& report, const std::string& word) {
    std::ifstream file(report);
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(word + ' ')) {
            return line.substr(word.size() + 1);
        }
    }
    return {};
}

} // namespace

std::string initialise_token(const InitialisationRequest& request) {
    std::vector<std::string> arguments = {find_helper().string(), request.module.string(), request.label,
                                          request.so_pin_file.string(), request.user_pin_file.string()};
    const std::string helper = arguments.front();
    std::vector<std::string> environment = environment_with_config(request.config);
    const FileActions actions(request.report_file);

    pid_t process = 0;
    const int error = ::posix_spawn(&process, helper.c_str(), actions.get(), nullptr,
                                    pointers(arguments).data(), pointers(environment).data());
    if (error != 0) {
        throw InitialisationFailed("cannot start the helper \"" + helper +
                                   "\": " + std::generic_category().message(error) + "; set " +
                                   helper_variable + " to its path");
    }
    const std::string ending = wait_for(process);
    const std::string serial = reported(request.report_file, "serial");
    const std::string failure = reported(request.report_file, "error");
    std::error_code ignored;
    std::filesystem::remove(request.report_file, ignored);

    if (serial.empty()) {
        throw InitialisationFailed("cannot initialise token \"" + request.label + "\": " +
                                   (failure.empty() ? "the helper \"" + helper + "\" " + ending : failure));
    }
    return serial;
}

} // namespace softhsm_fixtures::internal
