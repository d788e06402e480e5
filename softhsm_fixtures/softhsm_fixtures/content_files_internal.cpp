// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/content_files_internal.hpp>

#include <softhsm_fixtures/content_reader_internal.hpp>
#include <softhsm_fixtures/errors.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace softhsm_fixtures::internal {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// The content of the file that `member` names, when it does.
[[nodiscard]] std::optional<std::string> named_file(const json& object, const std::string& place,
                                                    const std::string& member, const fs::path& folder) {
    if (!object.is_object()) {
        return std::nullopt;
    }
    const ObjectReader reader(object, place);
    constexpr std::size_t longest_path = 4096;
    const auto path = reader.text(member, longest_path);
    if (!path) {
        return std::nullopt;
    }
    try {
        return read_listed_file(folder / *path, largest_file);
    } catch (const InvalidContent& error) {
        reader.refuse("\"" + member + "\": " + error.what());
    }
}

void take_in(json& object, const std::string& place, const fs::path& folder) {
    if (auto pem = named_file(object, place, "pem-file", folder)) {
        if (object.contains("pem")) {
            throw InvalidContent(place + ": \"pem\" and \"pem-file\" are both given; leave one out");
        }
        object.erase("pem-file");
        // What stands before is a comment, in any encoding.
        pem->erase(0, std::min(pem->find("-----BEGIN "), pem->size()));
        const auto is_text = [](char c) {
            return c == '\n' || c == '\r' || c == '\t' || (c >= ' ' && c <= '~');
        };
        if (pem->empty() || !std::all_of(pem->begin(), pem->end(), is_text)) {
            throw InvalidContent(place + ": \"pem-file\" names a file that is not PEM");
        }
        object["pem"] = std::move(*pem);
    }
}

} // namespace

std::string read_listed_file(const fs::path& path, std::size_t largest) {
    std::error_code error;
    // Anything else, such as a pipe, might never end.
    if (!fs::is_regular_file(path, error)) {
        throw InvalidContent("\"" + path.string() + "\" is not a file");
    }
    std::ifstream file(path, std::ios::binary);
    std::string content;
    content.resize(largest + 1);
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    if (file.bad() || (!file && !file.eof())) {
        throw InvalidContent("cannot read \"" + path.string() + "\"");
    }
    content.resize(static_cast<std::size_t>(file.gcount()));
    if (content.size() > largest) {
        throw InvalidContent("\"" + path.string() + "\" is larger than " + std::to_string(largest >> 20U) +
                             " MiB");
    }
    return content;
}

void take_in_files(json& list, const fs::path& folder) {
    std::size_t number = 0;
    for (json& entry : list) {
        const std::string place = "entry " + std::to_string(++number);
        take_in(entry, place, folder);
        if (entry.is_object() && entry.contains("certificate")) {
            take_in(entry["certificate"], place + ", \"certificate\"", folder);
        }
        if (auto content = named_file(entry, place, "file", folder)) {
            if (entry.contains("hex")) {
                throw InvalidContent(place + ": \"hex\" and \"file\" are both given; leave one out");
            }
            entry.erase("file");
            entry["hex"] = to_hex({content->begin(), content->end()});
        }
    }
}

} // namespace softhsm_fixtures::internal
