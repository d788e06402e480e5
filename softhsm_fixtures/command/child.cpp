// SPDX-License-Identifier: BSD-2-Clause
#include "child.hpp"

#include "failure.hpp"
#include "signals.hpp"
#include "text.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace softhsm_fixtures::command {

namespace {

namespace fs = std::filesystem;

[[nodiscard]] bool is_folder(const fs::path& path) {
    std::error_code ignored;
    return fs::is_directory(path, ignored);
}

/// The command's signals are as this process found them: nothing held back, nothing noted.
class SpawnAttributes {
public:
    explicit SpawnAttributes(const sigset_t& mask) {
        if (const int error = ::posix_spawnattr_init(&attributes_); error != 0) {
            throw std::system_error(error, std::generic_category());
        }
        ::posix_spawnattr_setsigmask(&attributes_, &mask);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
    }
    ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;

    [[nodiscard]] const posix_spawnattr_t* get() const noexcept { return &attributes_; }

private:
    posix_spawnattr_t attributes_{};
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

/// The program that the first line of a script names, when that is not there; nothing otherwise.
[[nodiscard]] std::string missing_interpreter(const fs::path& script) {
    std::ifstream file(script, std::ios::binary);
    std::string line(256, '\0'); // as much as Linux reads of it
    file.read(line.data(), static_cast<std::streamsize>(line.size()));
    line.resize(static_cast<std::size_t>(file.gcount()));
    line.erase(std::min(line.find('\n'), line.size()));
    if (!line.starts_with("#!")) {
        return {};
    }
    const auto begin = std::min(line.find_first_not_of(" \t", 2), line.size());
    const std::string interpreter = line.substr(begin, line.find_first_of(" \t", begin) - begin);
    return ::access(interpreter.c_str(), F_OK) == 0 ? std::string() : interpreter;
}

[[nodiscard]] std::string why_not_executed(const fs::path& program, int error) {
    if (const auto interpreter = error == ENOENT ? missing_interpreter(program) : std::string(); !interpreter.empty()) {
        return "its first line names the interpreter " + shown_in_quotes(interpreter) + ", which is not there";
    }
    return std::generic_category().message(error);
}

[[nodiscard]] pid_t start(const ChildRequest& request, const sigset_t& mask) {
    std::vector<std::string> arguments = request.arguments;
    std::vector<std::string> environment = request.environment;
    const SpawnAttributes attributes(mask);
    pid_t process = 0;
    const int error = ::posix_spawn(&process, request.program.c_str(), nullptr, attributes.get(),
                                    pointers(arguments).data(), pointers(environment).data());
    if (error != 0) {
        throw Failure(Status::not_executable, "cannot execute \"" + request.program.string() +
                                                  "\": " + why_not_executed(request.program, error));
    }
    return process;
}

} // namespace

fs::path find_program(const std::string& name) {
    std::vector<fs::path> candidates;
    if (name.find('/') != std::string::npos) {
        candidates.emplace_back(name);
    } else if (!name.empty()) {
        const char* value = std::getenv("PATH");
        const std::string folders = value != nullptr ? value : "/usr/bin:/bin";
        for (std::size_t begin = 0; begin <= folders.size();) {
            const std::size_t end = std::min(folders.find(':', begin), folders.size());
            // An empty folder in PATH is the current one.
            candidates.push_back((end == begin ? fs::path(".") : fs::path(folders.substr(begin, end - begin))) / name);
            begin = end + 1;
        }
    }
    bool there = false;
    for (const auto& candidate : candidates) {
        if (::access(candidate.c_str(), F_OK) == 0 && !is_folder(candidate)) {
            if (::access(candidate.c_str(), X_OK) == 0) {
                return candidate;
            }
            there = true;
        }
    }
    if (there || (name.find('/') != std::string::npos && is_folder(name))) {
        throw Failure(Status::not_executable, "the command \"" + name + "\" is not executable");
    }
    throw Failure(Status::not_found, "the command \"" + name + "\" is not there; " +
                                         (name.find('/') != std::string::npos ? "is its path right?"
                                                                              : "it is in no folder of PATH"));
}

Ending run_child(const ChildRequest& request) {
    const SignalsHeldBack held;
    bool interrupted = false;
    const pid_t process = start(request, held.before());
    int status = 0;
    for (;;) {
        while (const auto signal = take_signal()) {
            if (signal->from_terminal) {
                interrupted = interrupted || signal->number == SIGINT || signal->number == SIGQUIT;
                continue;
            }
            ::kill(process, signal->number == SIGTERM && request.hang_up_for_term ? SIGHUP : signal->number);
        }
        const pid_t ended = ::waitpid(process, &status, WNOHANG);
        if (ended == process) {
            break;
        }
        if (ended < 0 && errno != EINTR) {
            throw Failure(Status::failed, "cannot wait for \"" + request.program.string() +
                                              "\": " + std::generic_category().message(errno));
        }
        held.wait();
    }
    // The terminal's signal may have come, held back, between the last look at the signals and the command's end.
    held.let_through();
    while (const auto signal = take_signal()) {
        interrupted = interrupted || (signal->from_terminal && (signal->number == SIGINT || signal->number == SIGQUIT));
    }
    Ending ending;
    if (WIFSIGNALED(status)) {
        ending.signal = WTERMSIG(status);
        ending.status = Status::signalled + ending.signal;
        ending.interrupted_at_terminal = interrupted && (ending.signal == SIGINT || ending.signal == SIGQUIT);
    } else {
        ending.status = WEXITSTATUS(status);
    }
    return ending;
}

} // namespace softhsm_fixtures::command
