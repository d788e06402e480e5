// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <backends/database/database_place.hpp>

#include <keyway/key/key_rewrapper.hpp>
#include <keyway/key/key_wrapper.hpp>

#include <string>
#include <utility>

namespace keyway::test {

/// The database of a place, under a key of another backend.
/// @param opener gives that key
/// @param more settings beside that one
[[nodiscard]] inline OpenedBackend opened_under(const DatabasePlace& place, const std::string& wrapping_key, KeyWrapperOpener opener,
                                                const OpenedBackend::Texts& more = {}) {
    auto settings = place.where();
    settings["wrapping-key"] = wrapping_key;
    settings.insert(more.begin(), more.end());
    return {database_backend(), settings, {{"PASS", "correct horse"}}, std::move(opener)};
}

inline RewrapResult rewrap(const OpenedBackend& backend, const RewrapRequest& request) {
    return dynamic_cast<KeyRewrapper&>(*backend.operator->()).rewrap(request, backend.options(Phase::use, {}));
}

}  // namespace keyway::test
