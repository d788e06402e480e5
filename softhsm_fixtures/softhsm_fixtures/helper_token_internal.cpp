// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/helper_token_internal.hpp>

#include <softhsm_fixtures/errors.hpp>

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

// POSIX declares it in no header.
extern char** environ; // NOLINT(readability-redundant-declaration)

namespace softhsm_fixtures::internal {

namespace {

namespace fs = std::filesystem;

constexpr const char* helper_variable = "SOFTHSM_FIXTURES_INIT";

/// The folder that holds this library, or the program it was linked into; empty when that cannot be told.
[[nodiscard]] fs::path own_folder() {
    static const char anchor = 0;
    Dl_info info{};
    if (::dladdr(&anchor, &info) == 0 || info.dli_fname == nullptr) {
        return {};
    }
    return fs::path(info.dli_fname).parent_path();
}

/// What the spawned process finds open: nothing to read, a file to write its report to, and one for what the
/// module has to say.
class FileActions {
public:
    FileActions(const fs::path& report, const fs::path& log) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, report.c_str(),
                                           O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, log.c_str(),
                                           O_WRONLY | O_CREAT | O_APPEND, 0600);
    }
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;

    [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

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

/// The report's lines, each a word and what follows it.
[[nodiscard]] std::map<std::string, std::string> read_report(const fs::path& path) {
    std::map<std::string, std::string> report;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const auto space = line.find(' ');
        if (space != std::string::npos) {
            report[line.substr(0, space)] = line.substr(space + 1);
        }
    }
    return report;
}

/// Runs the helper and returns its report; "error" is in it when it failed.
[[nodiscard]] std::map<std::string, std::string> run_helper(const ConfiguredModule& module,
                                                            std::vector<std::string> arguments) {
    const std::string helper = find_own_program("softhsm-fixture-token-init").string();
    arguments.insert(arguments.begin(), {helper, module.path.string(), module.init_arguments});
    std::vector<std::string> environment = environment_with(module.environment);
    const fs::path report_file = module.folder / "helper.report";
    const FileActions actions(report_file, module.folder / "helper.log");

    pid_t process = 0;
    const int error = ::posix_spawn(&process, helper.c_str(), actions.get(), nullptr,
                                    pointers_to(arguments).data(), pointers_to(environment).data());
    if (error != 0) {
        throw InitialisationFailed("cannot start the helper \"" + helper +
                                   "\": " + std::generic_category().message(error));
    }
    const std::string ending = wait_for(process);
    auto report = read_report(report_file);
    std::error_code ignored;
    fs::remove(report_file, ignored);
    report.try_emplace("error", "the helper " + ending);
    return report;
}

} // namespace

fs::path find_own_program(const std::string& name) {
    std::vector<fs::path> folders = {own_folder(), own_folder() / SOFTHSM_FIXTURES_HELPER_FROM_LIBRARY,
                                            SOFTHSM_FIXTURES_HELPER_FOLDER};
    if (const char* other = std::getenv(helper_variable); other != nullptr && *other != '\0') {
        folders.insert(folders.begin(), fs::path(other).parent_path());
    }
    std::string searched;
    for (const auto& folder : folders) {
        if (auto program = folder / name; !folder.empty() && ::access(program.c_str(), X_OK) == 0) {
            return program;
        }
        searched += (searched.empty() ? "\"" : ", \"") + folder.string() + '"';
    }
    throw InitialisationFailed("the helper \"" + name + "\" is not in any of " + searched + "; set " +
                               helper_variable + " to the path of softhsm-fixture-init beside it");
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (auto& string : strings) {
        result.push_back(string.data());
    }
    result.push_back(nullptr);
    return result;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& variables) {
    std::vector<std::string> environment;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (!variables.contains(std::string(text.substr(0, text.find('='))))) {
            environment.emplace_back(text);
        }
    }
    for (const auto& [name, value] : variables) {
        environment.push_back(name + "=" + value);
    }
    return environment;
}

std::string initialise_with_helper(const ConfiguredModule& module, const std::string& flow,
                                   const TokenDetails& details) {
    auto report = run_helper(module, {flow, details.label, details.so_pin_file.string(),
                                      details.user_pin_file.string()});
    if (!report.contains("serial")) {
        throw InitialisationFailed("cannot initialise token \"" + details.label + "\" of \"" +
                                   module.path.string() + "\": " + report["error"]);
    }
    return report["serial"];
}

std::string version_from_helper(const ConfiguredModule& module) {
    auto report = run_helper(module, {"version"});
    if (!report.contains("version")) {
        throw InitialisationFailed("cannot learn the version of \"" + module.path.string() +
                                   "\": " + report["error"]);
    }
    return report["version"];
}

} // namespace softhsm_fixtures::internal
