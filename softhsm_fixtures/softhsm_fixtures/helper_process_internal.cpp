// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/helper_process_internal.hpp>

#include <softhsm_fixtures/errors.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
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

/// The folder that holds this library, or the program it was linked into; empty when that cannot be told.
[[nodiscard]] std::filesystem::path own_folder() {
    static const char anchor = 0;
    Dl_info info{};
    if (::dladdr(&anchor, &info) == 0 || info.dli_fname == nullptr) {
        return {};
    }
    return std::filesystem::path(info.dli_fname).parent_path();
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

/// This process's environment with some variables set anew.
[[nodiscard]] std::vector<std::string>
environment_with(const std::vector<std::pair<std::string, std::string>>& variables) {
    std::vector<std::string> environment;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto name = text.substr(0, text.find('='));
        const auto replaced = [&](const auto& variable) { return variable.first == name; };
        if (std::none_of(variables.begin(), variables.end(), replaced)) {
            environment.emplace_back(text);
        }
    }
    for (const auto& variable : variables) {
        environment.push_back(variable.first + '=' + variable.second);
    }
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

/// The rest of the report's line that begins with `word`.
[[nodiscard]] std::optional<std::string> reported(const std::filesystem::path& report,
                                                  const std::string& word) {
    std::ifstream file(report);
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(word + ' ')) {
            return line.substr(word.size() + 1);
        }
    }
    return std::nullopt;
}

} // namespace

std::filesystem::path find_helper(const HelperProgram& program) {
    if (const char* wanted = std::getenv(program.variable); wanted != nullptr && *wanted != '\0') {
        return wanted;
    }
    // Beside the library is where a build folder has it.
    const std::filesystem::path folders[] = {own_folder(), own_folder() / SOFTHSM_FIXTURES_HELPER_FROM_LIBRARY,
                                            SOFTHSM_FIXTURES_HELPER_FOLDER};
    std::string searched;
    for (const auto& folder : folders) {
        if (folder.empty()) {
            continue;
        }
        if (auto helper = folder / program.name; ::access(helper.c_str(), X_OK) == 0) {
            return helper;
        }
        searched += (searched.empty() ? "\"" : ", \"") + folder.string() + '"';
    }
    throw InitialisationFailed("the helper \"" + std::string(program.name) + "\" is not in any of " +
                               searched + "; set " + program.variable + " to its path");
}

HelperReport run_helper(const HelperCall& call, const std::string& word) {
    const std::string helper = find_helper(call.program).string();
    std::vector<std::string> arguments = {helper};
    arguments.insert(arguments.end(), call.arguments.begin(), call.arguments.end());
    std::vector<std::string> environment = environment_with(call.environment);
    const FileActions actions(call.report_file);

    pid_t process = 0;
    const int error = ::posix_spawn(&process, helper.c_str(), actions.get(), nullptr,
                                    pointers(arguments).data(), pointers(environment).data());
    if (error != 0) {
        throw InitialisationFailed("cannot start the helper \"" + helper +
                                   "\": " + std::generic_category().message(error) + "; set " +
                                   call.program.variable + " to its path");
    }
    const std::string ending = wait_for(process);
    HelperReport report;
    report.result = reported(call.report_file, word);
    report.failure = reported(call.report_file, "error").value_or("the helper \"" + helper + "\" " + ending);
    std::error_code ignored;
    std::filesystem::remove(call.report_file, ignored);
    return report;
}

} // namespace softhsm_fixtures::internal
