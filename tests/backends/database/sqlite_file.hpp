// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace keyway::test {

/// Opens a database past the library, as anybody can who has its file.
inline soci::session open_sqlite(const std::filesystem::path& path) {
    return {soci::sqlite3, "dbname=\"" + path.string() + "\" timeout=10"};
}

/// One statement on a database.
inline void execute(const std::filesystem::path& path, const std::string& statement) {
    auto sql = open_sqlite(path);
    sql << statement;
}

/// The first column of the only row of an answer.
inline std::string answer(const std::filesystem::path& path, const std::string& query) {
    auto sql = open_sqlite(path);
    std::string text;
    sql << query, soci::into(text);
    return text;
}

/// The bytes of all files of a database: the file itself and what SQLite puts beside it.
inline std::string bytes_of_database(const std::filesystem::path& folder) {
    std::string all;
    for(const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream file(entry.path(), std::ios::binary);
        all.append(std::istreambuf_iterator<char>(file), {});
    }
    return all;
}

}  // namespace keyway::test
