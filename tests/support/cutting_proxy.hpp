// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

namespace keyway::test {

/// Stands between a client and a server's socket, and cuts the connection at a moment that no server can be made to choose.
class CuttingProxy {
public:
    enum class Cut {
        before_commit,  ///< when the client asks for it: the server never hears of it
        after_commit,   ///< when the server has answered: the client never hears of it
    };

    /// @param server the folder of the server's socket
    /// @param folder where the proxy's own is made, under the same name
    CuttingProxy(const std::filesystem::path& server, const std::filesystem::path& folder);
    CuttingProxy(const CuttingProxy&) = delete;
    CuttingProxy& operator=(const CuttingProxy&) = delete;
    ~CuttingProxy();

    /// Cuts the next connection that commits, and takes no new ones afterwards where there is to be no way back.
    void cut_next(Cut cut, bool way_back = true);

    /// How many connections have been cut.
    [[nodiscard]] int cuts() const { return cuts_; }

private:
    void serve(int client);

    std::filesystem::path server_;
    std::filesystem::path own_;
    int listener_ = -1;
    std::atomic<int> mode_ = 0;
    std::atomic<bool> way_back_ = true;
    std::atomic<int> cuts_ = 0;
    std::atomic<bool> ending_ = false;
    std::jthread thread_;
};

}  // namespace keyway::test
