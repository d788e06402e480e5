// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/prepared_token_internal.hpp>

#include <softhsm_fixtures/content_model_internal.hpp>
#include <softhsm_fixtures/helper_process_internal.hpp>
#include <softhsm_fixtures/sha256_internal.hpp>
#include <softhsm_fixtures/token_cache_internal.hpp>

#include <chrono>
#include <ctime>
#include <system_error>

namespace softhsm_fixtures::internal {

namespace fs = std::filesystem;

namespace {

/// A file as long as nobody replaces it.
[[nodiscard]] std::string identity_of(const fs::path& path) {
    std::error_code ignored;
    const auto real = fs::canonical(path, ignored);
    const auto changed = fs::last_write_time(path, ignored).time_since_epoch();
    return real.string() + '\n' + std::to_string(fs::file_size(path, ignored)) + '\n' +
           std::to_string(std::chrono::duration_cast<std::chrono::nanoseconds>(changed).count()) + '\n';
}

/// Whatever has a part in how the token comes out.
[[nodiscard]] std::string key_of(const fs::path& module, const TokenOptions& options) {
    std::string recipe = "prepared token 1\n" + identity_of(module) +
                         std::to_string(options.user_pin_length) + '\n' +
                         std::to_string(options.so_pin_length) + '\n';
    if (options.content && options.content->object_count() != 0) {
        recipe += identity_of(find_helper(fill_program)) + options.content->json();
    }
    return sha256_hex(recipe);
}

/// Certificates begin and end: half the time until one does, a copy is as good as a new one.
[[nodiscard]] std::int64_t best_before(const TokenOptions& options) {
    constexpr std::int64_t half_day = 43'200;
    if (!options.content) {
        return 0;
    }
    const auto days = days_until_change(parse_content(options.content->json(), {}));
    return days ? std::int64_t{std::time(nullptr)} + *days * half_day : 0;
}

} // namespace

std::optional<TokenArchive> prepared_token(const fs::path& module, const TokenOptions& options,
                                           const std::function<std::optional<TokenArchive>()>& make) {
    const auto cache = TokenCache::open();
    if (!cache) {
        return make();
    }
    const std::string key = key_of(module, options);
    if (auto archive = cache->find(key)) {
        return archive;
    }
    const Descriptor lock = cache->lock(key);
    if (auto archive = cache->find(key)) {
        return archive;
    }
    auto archive = make();
    if (archive) {
        archive->best_before = best_before(options);
        cache->store(key, *archive);
    }
    return archive;
}

} // namespace softhsm_fixtures::internal
