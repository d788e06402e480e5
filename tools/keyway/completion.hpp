// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "command.hpp"

#include <keyway/key/backend_registry.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace keyway::cli {

/// A word that could stand where somebody is typing.
struct Candidate {
    std::string word;
    std::string help;  ///< may be empty
};

/// What could stand there.
struct Candidates {
    std::vector<Candidate> words;
    bool files = false;  ///< also the name of a file
};

/// What the last of these words could become: commands, flags and values from the same tables that the command line is read
/// by, and backends from the settings. Opens no backend, and says nothing of settings that cannot be read.
/// @param words those behind `keyway`, up to the cursor; the last is the one being typed, and may be empty
[[nodiscard]] Candidates complete(const std::vector<std::string>& words, const BackendRegistry& types);

/// The same as lines for a shell's script: the word, a tab, its help; the line `:files` where files could stand.
[[nodiscard]] std::string completion_lines(const std::vector<std::string>& words, const BackendRegistry& types);

/// The script for a shell ("bash", "zsh" or "fish"), which asks `keyway completion words` at each press of the key.
[[nodiscard]] std::string_view completion_script(std::string_view shell) noexcept;

}  // namespace keyway::cli
