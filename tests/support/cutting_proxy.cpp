// SPDX-License-Identifier: BSD-2-Clause
#include <support/cutting_proxy.hpp>

#include <array>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace keyway::test {

namespace {

constexpr auto socket_name = ".s.PGSQL.5432";

// A simple query of the protocol: 'Q', the length of the rest, the text, a zero.
constexpr std::string_view commit_message("Q\0\0\0\x0b" "commit\0", 12);

sockaddr_un address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    return address;
}

bool send_all(int to, std::string_view bytes) {
    return ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

}  // namespace

CuttingProxy::CuttingProxy(const std::filesystem::path& server, const std::filesystem::path& folder)
    : server_(server / socket_name), own_(folder / socket_name) {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = address_of(own_);
    if(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
       ::listen(listener_, 16) != 0) {
        throw std::runtime_error("the proxy cannot listen");
    }
    thread_ = std::jthread([this] {
        std::vector<std::jthread> served;
        while(!ending_) {
            pollfd waiting{.fd = listener_, .events = POLLIN, .revents = 0};
            if(::poll(&waiting, 1, 20) == 1) {
                const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
                served.emplace_back([this, client] { serve(client); });
            }
        }
    });
}

CuttingProxy::~CuttingProxy() {
    ending_ = true;
    thread_.join();
    ::close(listener_);
}

void CuttingProxy::cut_next(Cut cut, bool way_back) {
    way_back_ = way_back;
    mode_ = cut == Cut::before_commit ? 1 : 2;
}

void CuttingProxy::serve(int client) {
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = address_of(server_);
    bool open = (way_back_ || cuts_ == 0) &&
                ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    bool committing = false;
    std::array<char, 65536> buffer{};
    while(open && !ending_) {
        std::array<pollfd, 2> both{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
        if(::poll(both.data(), both.size(), 20) <= 0) {
            continue;
        }
        for(const bool from_client : {true, false}) {
            if(both[from_client ? 0 : 1].revents == 0 || !open) {
                continue;
            }
            const auto size = ::recv(from_client ? client : server, buffer.data(), buffer.size(), 0);
            if(size <= 0) {
                open = false;
                break;
            }
            const std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
            if(from_client && mode_ != 0 && bytes == commit_message) {
                committing = mode_ == 2;
                open = committing;
                mode_ = 0;
                cuts_ += open ? 0 : 1;
            } else if(!from_client && committing) {
                open = false;
                ++cuts_;
            }
            open = open && send_all(from_client ? server : client, bytes);
        }
    }
    ::close(client);
    ::close(server);
}

}  // namespace keyway::test
