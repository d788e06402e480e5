// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <filesystem>

namespace softhsm_fixtures::command {

/// A process that removes a folder when this one cannot do it any more, as nobody can after SIGKILL.
///
/// It waits for the end of a pipe whose other end this process and the command hold open, so that the folder outlives a
/// command that goes on alone. It is no member of this process's group or session, and knows nothing of the token.
class Guardian {
public:
    explicit Guardian(const std::filesystem::path& folder);

    /// Tells it that there is nothing left to do, and waits until it is gone.
    ~Guardian();

    Guardian(const Guardian&) = delete;
    Guardian& operator=(const Guardian&) = delete;

private:
    int pipe_ = -1;
    int process_ = -1;
};

} // namespace softhsm_fixtures::command
