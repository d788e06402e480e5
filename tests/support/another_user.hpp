// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>
#include <stdexcept>
#include <unistd.h>

namespace keyway::test {

/// As long as it lives, this process is a user whom the modes of files bind: root may read and write whatever they say. The
/// folder and what is in it are given to that user, and back.
class BoundByModes {
public:
    explicit BoundByModes(const std::filesystem::path& folder) : folder_(folder), was_root_(::geteuid() == 0) {
        if(was_root_) {
            give(nobody);
            become(nobody);
        }
    }
    BoundByModes(const BoundByModes&) = delete;
    BoundByModes& operator=(const BoundByModes&) = delete;
    ~BoundByModes() {
        if(was_root_ && ::seteuid(0) == 0) {
            give(0);
        }
    }

private:
    static constexpr uid_t nobody = 65534;

    static void become(uid_t user) {
        if(::seteuid(user) != 0) {
            throw std::runtime_error("seteuid");
        }
    }

    void give(uid_t user) const {
        static_cast<void>(::lchown(folder_.c_str(), user, user));
        for(const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
            static_cast<void>(::lchown(entry.path().c_str(), user, user));
        }
    }

    std::filesystem::path folder_;
    bool was_root_;
};

}  // namespace keyway::test
