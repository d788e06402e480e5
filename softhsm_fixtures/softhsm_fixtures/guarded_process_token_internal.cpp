// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/guarded_process_token_internal.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/helper_token_internal.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace softhsm_fixtures::internal {

namespace {

/// A pipe that no other program inherits.
[[nodiscard]] std::array<int, 2> make_pipe() {
    std::array<int, 2> ends{};
#if defined(__linux__)
    const int failed = ::pipe2(ends.data(), O_CLOEXEC);
#else
    const int failed = ::pipe(ends.data());
    if (failed == 0) {
        ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
        ::fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    }
#endif
    if (failed != 0) {
        throw InitialisationFailed("cannot make a pipe: " + std::generic_category().message(errno));
    }
    return ends;
}

/// How the guard is started: with the pipe to read, a file to write to, no signal blocked or ignored.
class SpawnSettings {
public:
    SpawnSettings(int input, const std::filesystem::path& log) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
        ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, log.c_str(),
                                           O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);

        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    ~SpawnSettings() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    [[nodiscard]] const posix_spawn_file_actions_t* actions() const noexcept { return &actions_; }
    [[nodiscard]] const posix_spawnattr_t* attributes() const noexcept { return &attributes_; }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

} // namespace

GuardedProcess::GuardedProcess(const std::vector<std::string>& command, const std::filesystem::path& log)
    : owner_(::getpid()) {
    std::vector<std::string> arguments = {find_own_program("softhsm-fixture-guard").string()};
    arguments.insert(arguments.end(), command.begin(), command.end());
    std::vector<std::string> environment = environment_with({});
    const auto [read_end, write_end] = make_pipe();
    const SpawnSettings settings(read_end, log);
    const int error =
        ::posix_spawn(&guard_, arguments.front().c_str(), settings.actions(), settings.attributes(),
                      pointers_to(arguments).data(), pointers_to(environment).data());
    ::close(read_end);
    if (error != 0) {
        ::close(write_end);
        throw InitialisationFailed("cannot start \"" + arguments.front() +
                                   "\": " + std::generic_category().message(error));
    }
    pipe_ = write_end;
}

GuardedProcess::~GuardedProcess() {
    if (owner_ != ::getpid()) {
        ::close(pipe_);
        return;
    }
    // A forked child may hold the pipe open still: the signal ends the guard all the same.
    if (running()) {
        ::kill(guard_, SIGTERM);
    }
    ::close(pipe_);
    while (guard_ != 0 && ::waitpid(guard_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

bool GuardedProcess::running() {
    if (guard_ == 0) {
        return false;
    }
    const pid_t ended = ::waitpid(guard_, nullptr, WNOHANG);
    if (ended == guard_) {
        guard_ = 0;
    }
    // A program that ignores SIGCHLD has no children to wait for: ask whether it is there.
    if (ended < 0 && ::kill(guard_, 0) != 0) {
        guard_ = 0;
    }
    return guard_ != 0;
}

} // namespace softhsm_fixtures::internal
