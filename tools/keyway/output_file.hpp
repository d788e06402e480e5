// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "command.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace keyway::cli {

/// The file that a command writes its result to: looked at before the work, written after it.
class OutputFile {
public:
    /// Takes the flags --out and --force; `-` is standard output.
    /// @throws Errc::already_exists when the file is there and may not be replaced
    /// @throws Errc::usage when it is one that the call reads: that is never replaced
    /// @throws Errc::storage_failed when its folder cannot be written to
    OutputFile(const Session& session, const Arguments& arguments);

    [[nodiscard]] bool is_standard_output() const noexcept { return path_ == "-"; }
    [[nodiscard]] std::string name() const { return path_.string(); }

    /// @throws Errc::already_exists, Errc::storage_failed
    void write(std::string_view text) const;
    void write(std::span<const std::uint8_t> bytes) const;

    /// The two flags, for a command's table.
    [[nodiscard]] static Flag out_flag(std::string help);
    [[nodiscard]] static Flag force_flag();

private:
    std::filesystem::path path_;
    bool replace_;
};

}  // namespace keyway::cli
