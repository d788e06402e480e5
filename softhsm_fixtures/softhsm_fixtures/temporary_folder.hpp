// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <softhsm_fixtures/export.hpp>

#include <filesystem>
#include <string>

namespace softhsm_fixtures {

/// A folder of its own under $TMPDIR, mode 0700, removed with everything in it when the object goes.
///
/// It stays, and its path is printed on stderr, when keep() was called or the environment variable
/// SOFTHSM_FIXTURES_KEEP is set. A forked child that runs the destructor removes nothing.
/// An exception that nobody catches, like any abort, ends the process before the folder is removed: an hour
/// later, the next process that makes such a folder beside it removes it.
///
/// @threadsafety one thread at a time
class SOFTHSM_FIXTURES_API TemporaryFolder {
public:
    /// Makes `$TMPDIR/<stem>-<process>-XXXXXX`; the path is absolute.
    ///
    /// @throws FixtureError when there is no writable temporary folder
    explicit TemporaryFolder(const std::string& stem);

    /// Makes `<parent>/<stem>-<process>-XXXXXX`.
    ///
    /// @throws FixtureError when there is no such folder, or it cannot be written
    TemporaryFolder(const std::string& stem, const std::filesystem::path& parent);
    ~TemporaryFolder();

    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    TemporaryFolder(TemporaryFolder&& other) noexcept;
    TemporaryFolder& operator=(TemporaryFolder&& other) noexcept;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    /// Leaves the folder where it is when the object goes.
    void keep() noexcept;

    /// Removes the folder now, whatever keep() and SOFTHSM_FIXTURES_KEEP say; path() is empty then.
    void remove() noexcept;

private:
    void clean_up() noexcept;
    void let_go() noexcept;

    std::filesystem::path path_;
    long owner_;    // process id
    int held_ = -1; // open as long as the folder is this object's
    bool keep_ = false;
};

} // namespace softhsm_fixtures
