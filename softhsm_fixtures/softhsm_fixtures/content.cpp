// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/content.hpp>

#include <softhsm_fixtures/content_files_internal.hpp>
#include <softhsm_fixtures/content_model_internal.hpp>
#include <softhsm_fixtures/errors.hpp>

#include <utility>

namespace softhsm_fixtures {

namespace fs = std::filesystem;

namespace {

[[nodiscard]] fs::path current_folder() {
    std::error_code error;
    fs::path folder = fs::current_path(error);
    // Without one, only a relative path in the list is a problem, and it is named then.
    return error ? fs::path() : folder;
}

} // namespace

TokenContent TokenContent::parse(std::string_view json_text) {
    auto content = internal::parse_content(json_text, current_folder());
    TokenContent result;
    result.json_ = std::move(content.json);
    result.object_count_ = content.object_count;
    return result;
}

TokenContent TokenContent::read(const fs::path& path) {
    const auto text = internal::read_listed_file(path, internal::largest_list);
    try {
        auto content = internal::parse_content(text, fs::absolute(path).parent_path());
        TokenContent result;
        result.json_ = std::move(content.json);
        result.object_count_ = content.object_count;
        return result;
    } catch (const InvalidContent& error) {
        throw InvalidContent("\"" + path.string() + "\": " + error.what());
    }
}

} // namespace softhsm_fixtures
