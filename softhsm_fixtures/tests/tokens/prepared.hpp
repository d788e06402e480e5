// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "../support.hpp"

#include <softhsm_fixtures/catch2.hpp>
#include <softhsm_fixtures/temporary_folder.hpp>

#include <optional>
#include <string>
#include <vector>

namespace support {

/// A cache of its own for the test, empty, and the name of its only entry.
class OwnCache {
public:
    OwnCache() { softhsm_fixtures::skip_without_softhsm(); }

    [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "cache"; }
    [[nodiscard]] std::vector<std::filesystem::path> entries() const {
        std::vector<std::filesystem::path> found;
        for (const auto& name :
             std::filesystem::exists(path()) ? names_in(path()) : std::vector<std::string>()) {
            if (!name.starts_with("lock-")) {
                found.push_back(path() / name);
            }
        }
        return found;
    }

private:
    softhsm_fixtures::TemporaryFolder folder_{"cache"};
    Variable cache_{"SOFTHSM_FIXTURES_CACHE", path().string()};
    Variable no_keep_{"SOFTHSM_FIXTURES_KEEP", std::nullopt};
};

} // namespace support
