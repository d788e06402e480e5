// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace keyway::contract {

namespace internal {

inline int append_row(void* rows, int columns, char** values, char**) {
    std::string row;
    for(int i = 0; i < columns; ++i) {
        row += std::string(values[i] == nullptr ? "" : values[i]) + "|";
    }
    static_cast<std::vector<std::string>*>(rows)->push_back(row);
    return 0;
}

}  // namespace internal

/// The keys in the file of a database, read past the backend; none where it is not there, or has no table for them yet.
inline std::vector<std::string> signing_key_rows(const std::filesystem::path& file) {
    std::vector<std::string> rows;
    if(!std::filesystem::exists(file)) {
        return rows;
    }
    sqlite3* database = nullptr;
    const auto read = [&](const char* query) {
        return sqlite3_exec(database, query, internal::append_row, &rows, nullptr) == SQLITE_OK;
    };
    bool whole = sqlite3_open(file.c_str(), &database) == SQLITE_OK &&
                 read("select name from sqlite_master where name = 'signing_key'");
    if(!rows.empty()) {
        rows.clear();
        whole = whole && read("select label, spki_sha256, encrypted_private_key from signing_key order by label");
    }
    const std::string why = sqlite3_errmsg(database);
    sqlite3_close(database);
    if(!whole) {
        throw std::runtime_error("cannot look into " + file.string() + ": " + why);
    }
    return rows;
}

}  // namespace keyway::contract
