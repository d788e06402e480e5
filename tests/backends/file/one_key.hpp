// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/store_checker.hpp>

#include <backends/file/opened_backend.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/temporary_folder.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace keyway::test {

/// A backend in a folder of its own with one key, "a"; and what check() and check_writable() say of them.
struct OneKey {
    /// @param name of what the option "path" names, in the folder
    /// @param more settings
    OneKey(const BackendType& type, const std::string& name, OpenedBackend::Texts more)
        : place(folder.path() / name), backend(opened(type, place, std::move(more))) {}

    /// An error's name, or "ok".
    [[nodiscard]] std::string check() const { return told(backend.check(ref)); }

    [[nodiscard]] std::string check_writable() const {
        return told(dynamic_cast<const StoreChecker&>(*backend.operator->()).check_writable({}));
    }

    static std::string told(const std::optional<Error>& error) {
        if(error) {
            CHECK(error->backend() == "store");
            CHECK(!error->hint().empty());
        }
        return error ? std::string(to_string(error->code())) : "ok";
    }

private:
    static OpenedBackend opened(const BackendType& type, const std::filesystem::path& place, OpenedBackend::Texts settings) {
        settings.insert({{"path", place.string()}, {"passphrase", "env:PASS"}});
        return {type, settings, {{"PASS", "correct horse"}}};
    }

public:
    TemporaryFolder folder;
    std::filesystem::path place;
    OpenedBackend backend;
    KeyRef ref = backend.create("p-256", {{"label", "a"}}).ref;
};

}  // namespace keyway::test
