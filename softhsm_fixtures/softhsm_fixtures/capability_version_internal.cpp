// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/capability_version_internal.hpp>

#include <softhsm_fixtures/helper_token_internal.hpp>
#include <softhsm_fixtures/test_token.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>

namespace softhsm_fixtures::internal {

namespace {

[[nodiscard]] std::vector<unsigned> numbers_of(std::string_view version) {
    std::vector<unsigned> numbers;
    while (!version.empty()) {
        const std::string_view part = version.substr(0, version.find('.'));
        unsigned number = 0;
        std::from_chars(part.data(), part.data() + part.size(), number);
        numbers.push_back(number);
        version.remove_prefix(std::min(version.size(), part.size() + 1));
    }
    return numbers;
}

} // namespace

bool in_range(std::string_view version, std::string_view since, std::string_view until) {
    if (version.empty()) {
        return until.empty();
    }
    const auto numbers = numbers_of(version);
    return (since.empty() || numbers >= numbers_of(since)) && (until.empty() || numbers < numbers_of(until));
}

bool depends_on_version(const ModuleInfo& module, const std::vector<std::string>& capabilities) {
    const auto& lines = module.capabilities();
    return std::any_of(lines.begin(), lines.end(), [&](const Capability& line) {
        return (!line.since.empty() || !line.until.empty()) &&
               std::find(capabilities.begin(), capabilities.end(), line.name) != capabilities.end();
    });
}

std::string installed_version(const ModuleInfo& module) {
    static std::mutex mutex;
    static auto& known = *new std::map<std::string, std::string>; // NOLINT(cppcoreguidelines-owning-memory)
    const std::lock_guard lock(mutex);
    std::string& version = known[module.find().value_or("").string()];
    if (version.empty()) {
        const auto token = make_test_token(module);
        version = version_from_helper({.path = token->module_path(),
                                       .init_arguments = token->init_arguments(),
                                       .environment = token->environment(),
                                       .folder = token->directory()});
    }
    return version;
}

} // namespace softhsm_fixtures::internal
