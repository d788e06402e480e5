// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <support/process.hpp>
#include <support/temporary_folder.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace keyway::test {

using Json = nlohmann::ordered_json;

/// The secret that everything in a workshop is locked with; it must never be seen in any output.
inline const std::string passphrase = "correct horse 4711";

/// A folder to run the command in: with settings for a file backend (the default one) and a database, and
/// nothing of the user's own settings.
class Workshop {
public:
    Workshop();

    /// Runs keyway in the folder.
    [[nodiscard]] ProcessResult keyway(const std::vector<std::string>& arguments,
                                       const std::string& input = {}) const;

    /// Runs it, requires status 0 and a silent standard error, and gives the standard output.
    std::string succeed(const std::vector<std::string>& arguments, const std::string& input = {}) const;

    /// The same with --json in front, and standard output read as one JSON object.
    Json succeed_json(std::vector<std::string> arguments, const std::string& input = {}) const;

    /// Runs it, requires that status, nothing on standard output, and an error of that code with --json.
    /// @return the message and the hint, one line each
    std::string fail(std::vector<std::string> arguments, int status, const std::string& code,
                     const std::string& input = {}) const;

    /// The same without the run for people: for what happens once, as a wrong PIN that is tried.
    std::string fail_once(std::vector<std::string> arguments, int status, const std::string& code) const;

    /// Runs another program in the folder, requires status 0, and gives its standard output.
    std::string run(const std::vector<std::string>& arguments) const;

    /// Makes a P-256 key in the default backend; gives its reference.
    std::string make_key(const std::string& label) const;

    /// Makes a root certificate LABEL.pem of a new key of that label.
    void make_root(const std::string& label) const;

    [[nodiscard]] std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }
    [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(path(name)); }
    [[nodiscard]] std::string read(const std::string& name) const;
    void write(const std::string& name, const std::string& content) const;

    /// Adds a backend to the settings, or replaces it.
    void set_backend(const std::string& alias, const Json& settings) const;

    /// Names and contents of all files, to see whether anything changed.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> snapshot() const;

    /// The program that is run: keyway.
    std::string command;

    /// Set for every run, beside what the process has.
    std::map<std::string, std::string> environment;

private:
    std::string fail_in_json(std::vector<std::string> arguments, int status, const std::string& code,
                             const std::string& input) const;

    TemporaryFolder folder_;
};

/// The reference in one line that a command printed, without its line end.
[[nodiscard]] std::string line(const std::string& output);

}  // namespace keyway::test
