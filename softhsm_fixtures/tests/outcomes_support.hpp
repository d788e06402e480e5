// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "support.hpp"

#include <softhsm_fixtures/temporary_folder.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace support {

/// Runs tests of a program that has one for each way in which a test can end, with a TMPDIR of their own.
class Outcomes {
public:
    explicit Outcomes(std::string program) : program_(std::move(program)) {}

    [[nodiscard]] Finished run(const std::string& arguments) const {
        return support::run("TMPDIR='" + folder_.path().string() + "' '" + program_ + "' " + arguments);
    }
    /// The paths of the folders that stayed, in the form in which they are announced.
    [[nodiscard]] std::vector<std::string> kept() const {
        std::vector<std::string> lines;
        for (const auto& name : names_in(folder_.path())) {
            lines.push_back("softhsm-fixture: kept \"" + (folder_.path() / name).string() + "\"\n");
        }
        return lines;
    }

private:
    std::string program_;
    softhsm_fixtures::TemporaryFolder folder_{"outcomes"};
    Variable no_keep_{"SOFTHSM_FIXTURES_KEEP", std::nullopt};
};

} // namespace support
