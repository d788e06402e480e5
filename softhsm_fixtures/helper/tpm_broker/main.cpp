// SPDX-License-Identifier: BSD-2-Clause
//
// softhsm-fixture-tpm-broker TPM_SOCKET OWN_SOCKET
//
// Lets any number of processes use one TPM emulator at the same time, as the kernel does for a TPM of hardware: a TPM
// has three places for objects, and what a process leaves in them stays. Listens on OWN_SOCKET, speaks the plain
// command protocol on both sides, and tells processes apart by the peer credentials of their connections.

#include "tpm_space.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <map>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using tpm_broker::Bytes;

constexpr std::size_t header_size = 10;
constexpr std::size_t largest_packet = 65536;

[[nodiscard]] sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        throw std::runtime_error("the path \"" + path + "\" is too long for a socket");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

[[nodiscard]] int new_socket() {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (descriptor < 0) {
        throw std::runtime_error(std::string("cannot make a socket: ") + std::strerror(errno));
    }
    return descriptor;
}

/// Connects as soon as the emulator listens, which takes a moment when both are started together.
[[nodiscard]] int connect_to(const std::string& path) {
    const sockaddr_un address = address_of(path);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < give_up) {
        const int descriptor = new_socket();
        if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            return descriptor;
        }
        ::close(descriptor);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    throw std::runtime_error("nobody listens at \"" + path + "\"");
}

[[nodiscard]] int listen_at(const std::string& path) {
    const sockaddr_un address = address_of(path);
    const int descriptor = new_socket();
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(descriptor, 64) != 0) {
        throw std::runtime_error("cannot listen at \"" + path + "\": " + std::strerror(errno));
    }
    return descriptor;
}

[[nodiscard]] bool read_all(int descriptor, std::uint8_t* to, std::size_t size) {
    while (size > 0) {
        const ssize_t count = ::read(descriptor, to, size);
        if (count <= 0) {
            if (count < 0 && errno == EINTR) {
                continue;
            }
            return false;
        }
        to += count;
        size -= static_cast<std::size_t>(count);
    }
    return true;
}

/// A command or a response, whose header says how long it is; empty when the other side has gone.
[[nodiscard]] Bytes read_packet(int descriptor) {
    Bytes packet(header_size);
    if (!read_all(descriptor, packet.data(), header_size)) {
        return {};
    }
    std::size_t size = 0;
    for (std::size_t at = 2; at < 6; ++at) {
        size = size * 256 + packet[at];
    }
    if (size < header_size || size > largest_packet) {
        return {};
    }
    packet.resize(size);
    return read_all(descriptor, packet.data() + header_size, size - header_size) ? packet : Bytes{};
}

void write_packet(int descriptor, const Bytes& packet) {
    std::size_t written = 0;
    while (written < packet.size()) {
        const ssize_t count = ::write(descriptor, packet.data() + written, packet.size() - written);
        if (count < 0 && errno != EINTR) {
            return; // the other side has gone; reading will tell
        }
        written += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
}

[[nodiscard]] pid_t peer_of(int connection) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return 0;
    }
    return credentials.pid;
}

class Broker {
public:
    Broker(const std::string& tpm_path, const std::string& own_path)
        : tpm_(connect_to(tpm_path)), transmit_([this](const Bytes& command) { return ask_tpm(command); }),
          commands_(transmit_) {
        watched_.push_back({listen_at(own_path), POLLIN, 0});
    }

    [[noreturn]] void serve() {
        for (;;) {
            if (::poll(watched_.data(), watched_.size(), -1) < 0 && errno != EINTR) {
                throw std::runtime_error(std::string("cannot wait: ") + std::strerror(errno));
            }
            for (std::size_t at = watched_.size(); at-- > 1;) {
                if (watched_[at].revents != 0) {
                    serve_connection(at);
                }
            }
            if (watched_[0].revents != 0) {
                const int connection = ::accept(watched_[0].fd, nullptr, nullptr);
                if (connection >= 0) {
                    watched_.push_back({connection, POLLIN, 0});
                }
            }
        }
    }

private:
    [[nodiscard]] Bytes ask_tpm(const Bytes& command) const {
        write_packet(tpm_, command);
        Bytes response = read_packet(tpm_);
        if (response.empty()) {
            throw std::runtime_error("the TPM emulator has gone");
        }
        return response;
    }

    void serve_connection(std::size_t at) {
        const int connection = watched_[at].fd;
        const Bytes command = read_packet(connection);
        if (command.empty()) {
            ::close(connection);
            watched_.erase(watched_.begin() + static_cast<std::ptrdiff_t>(at));
            return;
        }
        abandon_the_dead();
        const auto space = spaces_.try_emplace(peer_of(connection), commands_, transmit_).first;
        write_packet(connection, space->second.execute(command));
    }

    void abandon_the_dead() {
        for (auto space = spaces_.begin(); space != spaces_.end();) {
            if (::kill(space->first, 0) != 0 && errno == ESRCH) {
                space->second.abandon();
                space = spaces_.erase(space);
            } else {
                ++space;
            }
        }
    }

    int tpm_;
    tpm_broker::Transmit transmit_;
    tpm_broker::CommandTable commands_;
    std::map<pid_t, tpm_broker::Space> spaces_;
    std::vector<pollfd> watched_; // the listening socket, then connections
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: softhsm-fixture-tpm-broker TPM_SOCKET OWN_SOCKET\n", stderr);
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN);
    try {
        Broker(argv[1], argv[2]).serve();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "softhsm-fixture-tpm-broker: %s\n", error.what());
        return 1;
    }
}
