// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/softhsm_token.hpp>

#include <softhsm_fixtures/memory_folder_internal.hpp>

#include <cstdlib>

namespace softhsm_fixtures {

StoreOptions SoftHsmToken::with_parent_for(const TokenOptions& token, StoreOptions store) {
    // Below, what a disk's file system takes for making and removing the files is not felt.
    constexpr std::size_t many = 200;
    const std::size_t objects = token.content ? token.content->object_count() : 0;
    const char* wanted = std::getenv("TMPDIR");
    if (objects >= many && !store.parent && (wanted == nullptr || *wanted == '\0')) {
        store.parent = internal::memory_folder(objects);
    }
    return store;
}

} // namespace softhsm_fixtures
