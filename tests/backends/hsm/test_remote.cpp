// SPDX-License-Identifier: BSD-2-Clause
// A token behind p11-kit's remoting, whose server is killed and started again while 8 threads sign. How often is in
// KEYWAY_REMOTE_KILLS; from the second on the module's reload has to wait for its 30 s.
#include <backends/hsm/fault_support.hpp>
#include <support/temporary_folder.hpp>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace keyway;
using keyway::test::HsmStore;

namespace {

namespace fs = std::filesystem;

std::string client_module() {
    for(const auto* folder : {"/usr/lib/x86_64-linux-gnu/pkcs11", "/usr/lib/aarch64-linux-gnu/pkcs11", "/usr/lib64/pkcs11",
                              "/usr/lib/pkcs11"}) {
        if(const auto path = fs::path(folder) / "p11-kit-client.so"; fs::exists(path)) {
            return path.string();
        }
    }
    return {};
}

bool server_is_installed() {
    for(const auto* path : {"/usr/libexec/p11-kit/p11-kit-server", "/usr/lib/p11-kit/p11-kit-server"}) {
        if(fs::exists(path)) {
            return true;
        }
    }
    return false;
}

/// `p11-kit server` in a process group of its own, as it makes a process for each connection.
class Server {
public:
    Server(const HsmStore& store, fs::path socket) : module_(store.module()), socket_(std::move(socket)) { start(); }
    ~Server() { kill(); }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    void start() {
        fs::remove(socket_);
        const std::string provider = "--provider=" + module_;
        group_ = ::fork();
        if(group_ == 0) {
            ::setpgid(0, 0);
            ::unsetenv("P11_KIT_SERVER_ADDRESS");
            static_cast<void>(std::freopen("/dev/null", "w", stdout));
            static_cast<void>(std::freopen("/dev/null", "w", stderr));
            ::execlp("p11-kit", "p11-kit", "server", "-f", "-n", socket_.c_str(), provider.c_str(), "pkcs11:", nullptr);
            ::_exit(127);
        }
        ::setpgid(group_, group_);
        bool answers = false;
        for(int i = 0; i < 5'000 && !answers; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            answers = can_connect();
        }
        REQUIRE(answers);
    }

    void kill() {
        if(group_ > 0) {
            ::kill(-group_, SIGKILL);
            ::waitpid(group_, nullptr, 0);
            group_ = 0;
        }
    }

private:
    /// The socket is there before anybody listens.
    [[nodiscard]] bool can_connect() const {
        const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket_.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
        const void* const raw = &address;
        const bool can = ::connect(descriptor, static_cast<const sockaddr*>(raw), sizeof(address)) == 0;
        ::close(descriptor);
        return can;
    }

    std::string module_;
    fs::path socket_;
    pid_t group_ = 0;
};

}  // namespace

TEST_CASE("8 threads go on by themselves when the token's service was killed and started again") {
    const auto client = client_module();
    if(client.empty() || !server_is_installed()) {
        SKIP("p11-kit has no server or no client module here");
    }
    // p11-kit's client module writes into a socket that nobody reads any more, which ends a program that does not ignore this.
    std::signal(SIGPIPE, SIG_IGN);
    const auto kills = test::number_from_environment("KEYWAY_REMOTE_KILLS", 1);
    const HsmStore store;
    // Made by this process before the server has the token: processes that share one break each other.
    const auto ref = HsmStore::create(*store.open(), "root").ref;
    const test::TemporaryFolder folder;
    const auto token_folder = store.token().directory() / "tokens";
    fs::copy(token_folder, folder.path() / "tokens", fs::copy_options::recursive);

    const auto socket = folder.path() / "socket";
    ::setenv("P11_KIT_SERVER_ADDRESS", ("unix:path=" + socket.string()).c_str(), 1);
    {
        Server server(store, socket);
        const auto backend = store.open({{"module", client}, {"deadline-ms", "60000"}});
        const auto key = backend->use(ref, {});
        REQUIRE(test::signs(*key));

        std::atomic<std::uint64_t> good{0};
        std::atomic<std::uint64_t> bad{0};
        std::mutex mutex;
        std::string first_error;
        std::vector<std::jthread> threads;
        for(int t = 0; t < 8; ++t) {
            threads.emplace_back([&](const std::stop_token& stop) {
                while(!stop.stop_requested()) {
                    const auto outcome = test::outcome_of([&] { ++(test::signs(*key) ? good : bad); });
                    if(outcome.error) {
                        ++bad;
                        const std::lock_guard lock(mutex);
                        first_error = first_error.empty() ? outcome.text() : first_error;
                    }
                }
            });
        }
        const auto more = [&](std::uint64_t signatures) {
            const auto goal = good + signatures;
            const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(80);
            while(good < goal && std::chrono::steady_clock::now() < give_up) {
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
            }
            CHECK(good >= goal);
        };
        more(100);
        for(std::uint64_t i = 0; i < kills; ++i) {
            server.kill();
            // p11-kit's client module can be initialised without its service, and then shows no slot until the next reload: where
            // the one for this loss comes before the service, the threads wait for 30 s.
            std::this_thread::sleep_for(std::chrono::milliseconds(kills == 1 ? 0 : 200));
            if(i % 2 == 1) {
                // The service comes back with the token as it was backed up.
                fs::remove_all(token_folder);
                fs::copy(folder.path() / "tokens", token_folder, fs::copy_options::recursive);
            }
            server.start();
            more(100);
        }
        for(auto& thread : threads) {
            thread.request_stop();
        }
        threads.clear();
        INFO(first_error);
        CHECK(bad == 0);
        WARN("remote: " << good << " signatures over " << kills << " kills");
    }
    ::unsetenv("P11_KIT_SERVER_ADDRESS");
    std::signal(SIGPIPE, SIG_DFL);
}
