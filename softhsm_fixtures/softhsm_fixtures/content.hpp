// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/export.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace softhsm_fixtures {

/// What a token holds from the start: keys, certificates, data objects and secret keys, from a list in JSON.
///
/// The list is an array with one object per entry, read strictly: what is unknown is refused with the known
/// names and the place in the list. Files that it names are read when it is parsed. docs/content.md
/// describes every member.
///
///     [{"type": "ec", "curve": "P-256", "label": "root", "certificate": {"subject": "CN=Root", "ca": true}},
///      {"type": "rsa", "label": "server-{n}", "count": 3, "certificate": {"issuer": "root"}}]
///
/// @threadsafety a value: one thread at a time, or any number that only read it
class SOFTHSM_FIXTURES_API TokenContent {
public:
    /// Nothing: an empty token.
    TokenContent() = default;

    /// Reads the list; relative paths in it start in the current folder.
    ///
    /// @throws InvalidContent when it is not JSON, has a member, type or value that is not known, or is
    /// larger
    ///         than 4 MiB or 50,000 objects; the message names the entry and the member
    [[nodiscard]] static TokenContent parse(std::string_view json_text);

    /// Reads the list from a file; relative paths in it start in the folder of the file.
    ///
    /// @throws InvalidContent as parse(), and when the file cannot be read
    [[nodiscard]] static TokenContent read(const std::filesystem::path& path);

    /// How many objects the token will hold.
    [[nodiscard]] std::size_t object_count() const noexcept { return object_count_; }

    /// The list in one form for each meaning, with the files it names in place; parse() takes it.
    [[nodiscard]] const std::string& json() const noexcept { return json_; }

    [[nodiscard]] bool operator==(const TokenContent& other) const noexcept { return json_ == other.json_; }

private:
    std::string json_ = "[]";
    std::size_t object_count_ = 0;
};

} // namespace softhsm_fixtures
