// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/broken_pipes_internal.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cerrno>
#include <csignal>
#include <optional>

#include <sys/socket.h>
#include <unistd.h>

using keyway::pkcs11::NoBrokenPipes;

namespace {

/// A socket whose other end is closed.
class DeadSocket {
public:
    DeadSocket() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        ::close(ends[1]);
        end_ = ends[0];
    }
    ~DeadSocket() { ::close(end_); }
    DeadSocket(const DeadSocket&) = delete;
    DeadSocket& operator=(const DeadSocket&) = delete;
    [[nodiscard]] int error_of_writing() const { return ::write(end_, "x", 1) == -1 ? errno : 0; }

private:
    int end_ = -1;
};

bool is_blocked() {
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, nullptr, &now);
    return sigismember(&now, SIGPIPE) == 1;
}

bool is_pending() {
    sigset_t now;
    sigpending(&now);
    return sigismember(&now, SIGPIPE) == 1;
}

}  // namespace

TEST_CASE("a socket with nobody at its other end does not end the program while the signal is kept away") {
    REQUIRE(std::signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    const DeadSocket socket;
    REQUIRE_FALSE(is_blocked());
    CHECK(keyway::pkcs11::broken_pipes_end_the_program());
    {
        const NoBrokenPipes nothing(NoBrokenPipes::When::never);
        CHECK_FALSE(is_blocked());
    }
    std::optional<NoBrokenPipes> first(std::in_place);
    std::optional<NoBrokenPipes> second(std::in_place);
    CHECK(socket.error_of_writing() == EPIPE);
    first.reset();
    CHECK(is_blocked());  // they end in any order
    CHECK(socket.error_of_writing() == EPIPE);
    NoBrokenPipes moved(std::move(*second));
    second.reset();
    CHECK(is_blocked());
    {
        const NoBrokenPipes last(std::move(moved));
        errno = ENOENT;
    }
    CHECK(errno == ENOENT);
    CHECK_FALSE(is_blocked());
    CHECK_FALSE(is_pending());
    REQUIRE(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    CHECK_FALSE(keyway::pkcs11::broken_pipes_end_the_program());
    REQUIRE(std::signal(SIGPIPE, SIG_DFL) != SIG_ERR);
}

TEST_CASE("a program's own block of SIGPIPE, and one that waits behind it, stay as they are") {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    REQUIRE(pthread_sigmask(SIG_BLOCK, &pipe, nullptr) == 0);
    const DeadSocket socket;
    CHECK(socket.error_of_writing() == EPIPE);
    {
        const NoBrokenPipes quiet;
        CHECK(socket.error_of_writing() == EPIPE);
    }
    CHECK(is_blocked());
    CHECK(is_pending());
    const timespec at_once{};
    CHECK(sigtimedwait(&pipe, nullptr, &at_once) == SIGPIPE);
    REQUIRE(pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr) == 0);
}
