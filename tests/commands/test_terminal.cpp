// SPDX-License-Identifier: BSD-2-Clause
#include "workshop.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace {

using namespace keyway::test;

/// Keyway on a terminal of its own, with somebody who waits for its questions and types.
class Terminal {
public:
    Terminal(const Workshop& shop, std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), KEYWAY_COMMAND);
        std::vector<char*> pointers;
        for(auto& argument : arguments) {
            pointers.push_back(argument.data());
        }
        pointers.push_back(nullptr);
        child_ = ::forkpty(&fd_, nullptr, nullptr, nullptr);
        if(child_ < 0) {
            SKIP("no pseudo-terminal can be had here: " << std::generic_category().message(errno)
                                                        << " (is /dev/pts mounted?)");
        }
        if(child_ == 0) {
            for(const auto& [name, value] : shop.environment) {
                ::setenv(name.c_str(), value.c_str(), 1);
            }
            if(::chdir(shop.path("").c_str()) == 0) {
                ::execv(KEYWAY_COMMAND, pointers.data());
            }
            ::_exit(127);
        }
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal() {
        ::close(fd_);
        if(child_ > 0) {
            ::kill(child_, SIGKILL);
            ::waitpid(child_, nullptr, 0);
        }
    }

    /// Reads until this text stands at the end of what was shown.
    void wait_for(const std::string& text) {
        while(!shown_.ends_with(text)) {
            if(!read_more()) {
                FAIL("not shown: " << text << "\nbut: " << shown_);
            }
        }
    }

    void type(const std::string& text) const { REQUIRE(::write(fd_, text.data(), text.size()) > 0); }

    void send(int signal) const { REQUIRE(::kill(child_, signal) == 0); }

    [[nodiscard]] bool echoes() const {
        termios modes{};
        REQUIRE(::tcgetattr(fd_, &modes) == 0);
        return (modes.c_lflag & static_cast<tcflag_t>(ECHO)) != 0;
    }

    /// Reads to the end; the exit status, or 128 and the signal.
    [[nodiscard]] int finish() {
        while(read_more()) {
        }
        int status = 0;
        REQUIRE(::waitpid(child_, &status, 0) == child_);
        child_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    [[nodiscard]] const std::string& shown() const { return shown_; }

private:
    bool read_more() {
        pollfd waiting{fd_, POLLIN, 0};
        if(::poll(&waiting, 1, 20'000) <= 0) {
            FAIL("nothing happened for 20 s; shown: " << shown_);
        }
        std::array<char, 1024> buffer{};
        const auto got = ::read(fd_, buffer.data(), buffer.size());
        if(got <= 0) {
            return false;  // EIO: the other side is closed
        }
        shown_.append(buffer.data(), static_cast<std::size_t>(got));
        return true;
    }

    int fd_ = -1;
    pid_t child_ = 0;
    std::string shown_;
};

const std::vector<std::string> create{"key",     "create", "--type",       "p-256",
                                      "--label", "root",   "--passphrase", "prompt:"};

TEST_CASE("a passphrase is asked for without echo, and again to be sure") {
    const Workshop shop;
    Terminal terminal(shop, create);
    terminal.wait_for("passphrase of backend \"file\": ");
    CHECK_FALSE(terminal.echoes());
    terminal.type(passphrase + "\n");
    terminal.wait_for("\npassphrase of backend \"file\" (again): ");
    terminal.type(passphrase + "\n");
    CHECK(terminal.finish() == 0);
    CHECK(terminal.shown().find(passphrase) == std::string::npos);
    CHECK(terminal.shown().find("label         root\r\n") != std::string::npos);
    CHECK(shop.succeed({"key", "check", "file:root"}) == "ok\n");
}

TEST_CASE("nothing is made where the passphrase was mistyped") {
    const Workshop shop;
    const std::string alias = GENERATE("file", "db");
    auto arguments = create;
    arguments.insert(arguments.end(), {"--backend", alias});
    const auto before = shop.snapshot();
    Terminal terminal(shop, arguments);
    terminal.wait_for("passphrase of backend \"" + alias + "\": ");
    terminal.type("a slip\n");
    terminal.wait_for("\npassphrase of backend \"" + alias + "\" (again): ");
    terminal.type(passphrase + "\n");
    CHECK(terminal.finish() == 12);
    CHECK(terminal.shown().find("differ") != std::string::npos);
    CHECK(shop.snapshot() == before);
}

TEST_CASE("no question comes twice in one run") {
    const Workshop shop;
    static_cast<void>(shop.make_key("root"));
    static_cast<void>(shop.make_key("ca"));
    shop.succeed({"ca", "create", "--key", "file:root", "--subject", "CN=root", "--out", "root.pem"});
    Terminal terminal(shop, {"ca", "create", "--key", "file:ca", "--subject", "CN=ca", "--issuer", "root.pem",
                             "--issuer-key", "file:root", "--out", "ca.pem", "--passphrase", "prompt:"});
    terminal.wait_for("passphrase of backend \"file\": ");
    terminal.type(passphrase + "\n");
    CHECK(terminal.finish() == 0);
    CHECK(shop.has("ca.pem"));
}

TEST_CASE("a signal does not end the work in its middle") {
    const Workshop shop;
    Terminal terminal(shop, create);
    terminal.wait_for("passphrase of backend \"file\": ");
    terminal.type(passphrase + "\n");
    terminal.wait_for("\npassphrase of backend \"file\" (again): ");
    terminal.type(passphrase + "\n");
    terminal.wait_for("\n");
    terminal.send(SIGTERM);
    CHECK(terminal.finish() == 128 + SIGTERM);
    CHECK(shop.succeed({"key", "check", "file:root"}) == "ok\n");
}

TEST_CASE("a yes-or-no question can be interrupted") {
    const Workshop shop;
    static_cast<void>(shop.make_key("root"));
    Terminal terminal(shop, {"key", "remove", "file:root"});
    terminal.wait_for(" [y/N] ");
    terminal.type("\x03");
    CHECK(terminal.finish() == 128 + SIGINT);
    CHECK(shop.has("keys/root.pem"));
}

TEST_CASE("echo comes back when a prompt is interrupted") {
    const Workshop shop;
    Terminal terminal(shop, create);
    terminal.wait_for("passphrase of backend \"file\": ");
    CHECK_FALSE(terminal.echoes());
    terminal.type("\x03");
    CHECK(terminal.finish() == 128 + SIGINT);
    CHECK(terminal.echoes());
    CHECK_FALSE(shop.has("keys/root.pem"));
}

TEST_CASE("a prompt that is not answered is an error") {
    const Workshop shop;
    Terminal terminal(shop, create);
    terminal.wait_for("passphrase of backend \"file\": ");
    terminal.type("\x04");
    CHECK(terminal.finish() == 12);
}

TEST_CASE("without a terminal there is nobody to ask") {
    const Workshop shop;
    const auto result = run({"setsid", "--wait", KEYWAY_COMMAND, "key", "list", "--db-passphrase",
                             "prompt:", "--backend", "db", "--set", "db.passphrase=prompt:"},
                            {.environment = shop.environment, .folder = shop.path("")});
    CHECK(result.status == 0);  // a listing of an empty database needs no passphrase
    const auto create_there = run({"setsid", "--wait", KEYWAY_COMMAND, "key", "create", "--type", "p-256",
                                   "--label", "x", "--passphrase", "prompt:"},
                                  {.environment = shop.environment, .folder = shop.path("")});
    CHECK(create_there.status == 12);
    CHECK(create_there.err.find("there is no terminal to ask on") != std::string::npos);
    static_cast<void>(shop.make_key("root"));
    const auto remove = run({"setsid", "--wait", KEYWAY_COMMAND, "key", "remove", "file:root"},
                            {.environment = shop.environment, .folder = shop.path("")});
    CHECK(remove.status == 2);
    CHECK(shop.has("keys/root.pem"));
}

TEST_CASE("removing a key is asked for") {
    const Workshop shop;
    static_cast<void>(shop.make_key("root"));
    const std::string question =
        "remove key \"root\" (p-256) from backend \"file\"? it cannot be brought back [y/N] ";
    {
        Terminal terminal(shop, {"key", "remove", "file:root"});
        terminal.wait_for(question);
        terminal.type("\n");
        CHECK(terminal.finish() == 2);
        CHECK(shop.has("keys/root.pem"));
    }
    Terminal terminal(shop, {"key", "remove", "file:root"});
    terminal.wait_for(question);
    terminal.type("y\n");
    CHECK(terminal.finish() == 0);
    CHECK_FALSE(shop.has("keys/root.pem"));
}

TEST_CASE("colour is for terminals, and not where NO_COLOR is set") {
    Workshop shop;
    const auto red = [&] {
        Terminal terminal(shop, {"key", "lits"});
        CHECK(terminal.finish() == 2);
        return terminal.shown().find("\x1b[") != std::string::npos;
    };
    // Outside of CHECK, which would take a skip for want of a terminal as a failure.
    shop.environment["NO_COLOR"] = "";
    const bool unless_told = red();
    shop.environment["NO_COLOR"] = "1";
    const bool when_told = red();
    CHECK(unless_told);
    CHECK_FALSE(when_told);
}

}  // namespace
