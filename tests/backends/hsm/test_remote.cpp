// SPDX-License-Identifier: BSD-2-Clause
// A token behind p11-kit's remoting, whose server is killed and started again while 8 threads sign. That SIGPIPE would end
// the program is left so: whoever uses Keyway need not know that a module writes to sockets.
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

/// A token that p11-kit's server has, with a key in it.
class Remote {
public:
    Remote() : token_folder_(store_.token().directory() / "tokens"), socket_(folder_.path() / "socket"), client_(client_module()) {
        if(client_.empty() || !server_is_installed()) {
            SKIP("p11-kit has no server or no client module here");
        }
        REQUIRE(std::signal(SIGPIPE, SIG_DFL) != SIG_ERR);
        // Made by this process before the server has the token: processes that share one break each other.
        ref_.emplace(HsmStore::create(*store_.open(), "root").ref);
        fs::copy(token_folder_, folder_.path() / "tokens", fs::copy_options::recursive);
        ::setenv("P11_KIT_SERVER_ADDRESS", ("unix:path=" + socket_.string()).c_str(), 1);
        server_.emplace(store_, socket_);
    }
    ~Remote() { ::unsetenv("P11_KIT_SERVER_ADDRESS"); }
    Remote(const Remote&) = delete;
    Remote& operator=(const Remote&) = delete;

    [[nodiscard]] std::unique_ptr<KeyBackend> open(std::string_view deadline_ms) const {
        return store_.open({{"module", client_}, {"deadline-ms", deadline_ms}});
    }
    [[nodiscard]] const KeyRef& ref() const { return *ref_; }
    [[nodiscard]] Server& server() { return *server_; }

    /// The service comes back with the token as it was backed up.
    void restore_token() const {
        fs::remove_all(token_folder_);
        fs::copy(folder_.path() / "tokens", token_folder_, fs::copy_options::recursive);
    }

private:
    HsmStore store_;
    test::TemporaryFolder folder_;
    fs::path token_folder_;
    fs::path socket_;
    std::string client_;
    std::optional<KeyRef> ref_;
    std::optional<Server> server_;
};

/// 8 threads that sign until this is destroyed.
class Signers {
public:
    explicit Signers(const Botan::Private_Key& key) {
        for(int t = 0; t < 8; ++t) {
            threads_.emplace_back([&](const std::stop_token& stop) {
                while(!stop.stop_requested()) {
                    const auto outcome = test::outcome_of([&] { ++(test::signs(key) ? good_ : bad_); });
                    if(outcome.error) {
                        ++bad_;
                        const std::lock_guard lock(mutex_);
                        first_error_ = first_error_.empty() ? outcome.text() : first_error_;
                    }
                }
            });
        }
    }

    /// @return how long the next 100 signatures took
    [[nodiscard]] std::chrono::milliseconds more(std::chrono::seconds patience) const {
        const auto begin = std::chrono::steady_clock::now();
        const auto goal = good_ + 100;
        while(good_ < goal && std::chrono::steady_clock::now() - begin < patience) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    }

    void end() { threads_.clear(); }
    [[nodiscard]] std::uint64_t good() const noexcept { return good_; }
    [[nodiscard]] std::uint64_t bad() const noexcept { return bad_; }
    [[nodiscard]] const std::string& first_error() const noexcept { return first_error_; }

private:
    std::atomic<std::uint64_t> good_{0};
    std::atomic<std::uint64_t> bad_{0};
    std::mutex mutex_;
    std::string first_error_;
    std::vector<std::jthread> threads_;
};

/// From when the service is back to 100 signatures; the signing itself is a part of a second.
constexpr std::chrono::seconds soon{5};

}  // namespace

TEST_CASE("8 threads go on within seconds when the token's service is back, however long it was away") {
    // Initialised while its service is away, p11-kit's client module shows no token until it is initialised again.
    for(const auto away : {0, 30, 300, 2'500}) {
        INFO("away for " << away << " ms");
        Remote remote;
        const auto backend = remote.open("10000");
        const auto key = backend->use(remote.ref(), {});
        REQUIRE(test::signs(*key));
        Signers signers(*key);
        REQUIRE(signers.more(soon) < soon);
        remote.server().kill();
        std::this_thread::sleep_for(std::chrono::milliseconds(away));
        remote.server().start();
        const auto took = signers.more(std::chrono::seconds(40));
        CHECK(took < soon);
        signers.end();
        INFO(signers.first_error());
        CHECK(signers.bad() == 0);
        WARN("remote: away for " << away << " ms, 100 signatures " << took.count() << " ms after");
    }
}

TEST_CASE("a service that dies again within 30 s of a reload is an error by the deadline, which tells when it can pass") {
    Remote remote;
    const auto backend = remote.open("1000");
    const auto key = backend->use(remote.ref(), {});
    remote.server().kill();
    remote.server().start();
    REQUIRE(test::signs(*key));
    remote.server().kill();
    remote.server().start();
    const auto outcome = test::outcome_of([&] { static_cast<void>(test::signs(*key)); });
    INFO(outcome.text());
    REQUIRE(outcome.error);
    CHECK(outcome.error->code() == Errc::token_failed);
    CHECK(outcome.error->hint().find("its module initialised again in") != std::string::npos);
    CHECK(outcome.took < std::chrono::seconds(2));
}

// The long form: each loss but the first has to wait until 30 s after the reload before.
TEST_CASE("8 threads go on over several losses of the service") {
    const auto kills = test::number_from_environment("KEYWAY_REMOTE_KILLS", 1);
    Remote remote;
    const auto backend = remote.open("60000");
    const auto key = backend->use(remote.ref(), {});
    REQUIRE(test::signs(*key));
    Signers signers(*key);
    REQUIRE(signers.more(soon) < soon);
    auto back = std::chrono::steady_clock::time_point::min();
    for(std::uint64_t i = 0; i < kills; ++i) {
        remote.server().kill();
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        if(i % 2 == 1) {
            remote.restore_token();
        }
        remote.server().start();
        const auto started = std::chrono::steady_clock::now();
        static_cast<void>(signers.more(std::chrono::seconds(60)));
        const auto now = std::chrono::steady_clock::now();
        CHECK(now - (i == 0 ? started : std::max(started, back + std::chrono::seconds(30))) < soon);
        back = now;
    }
    signers.end();
    INFO(signers.first_error());
    CHECK(signers.bad() == 0);
    WARN("remote: " << signers.good() << " signatures over " << kills << " kills");
}
