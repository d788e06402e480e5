// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <backends/database/database_place.hpp>

#include <string>
#include <vector>

namespace keyway::test {

/// The statements by which released versions made their tables, as they stood there.
inline std::vector<std::string> statements_of_schema(int version) {
    const std::string binary_text = DatabasePlace::is_file ? "text" : "text collate \"C\"";
    std::vector<std::string> statements{
        "create table key_encryption_key ("
        " id text primary key,"
        " active integer unique check (active = 1),"
        " kind text not null check (kind = 'passphrase'),"
        " argon2_memory_kib integer not null,"
        " argon2_passes integer not null,"
        " argon2_parallelism integer not null,"
        " salt text not null,"
        " check_value text not null,"
        " created text not null)",
        "create table signing_key ("
        " label " +
            binary_text +
            " primary key,"
            " spki_sha256 text not null,"
            " key_type text not null,"
            " created text not null,"
            " key_encryption_key_id text not null references key_encryption_key (id),"
            " wrapped_data_key text not null,"
            " encrypted_private_key text not null)",
    };
    if(version >= 2) {
        statements.insert(statements.end(),
                          {"alter table key_encryption_key add column sealed_for_active text",
                           "create index signing_key_by_key_encryption_key on signing_key (key_encryption_key_id, label)"});
    }
    return statements;
}

/// Gives a database the tables that an earlier version would have made, with the rows it has.
inline void make_earlier(const DatabasePlace& place, int version) {
    // Copied, not renamed: the names of rules and indices are to be free.
    for(const auto* const table : {"signing_key", "key_encryption_key"}) {
        place.execute(std::string("create table later_") + table + " as select * from " + table);
        place.execute(std::string("drop table ") + table);
    }
    for(const auto& statement : statements_of_schema(version)) {
        place.execute(statement);
    }
    const std::string columns =
        std::string("id, active, kind, argon2_memory_kib, argon2_passes, argon2_parallelism, salt, check_value, created") +
        (version >= 2 ? ", sealed_for_active" : "");
    place.execute("insert into key_encryption_key (" + columns + ") select " + columns + " from later_key_encryption_key");
    place.execute("insert into signing_key select label, spki_sha256, key_type, created, key_encryption_key_id, wrapped_data_key,"
                  " encrypted_private_key from later_signing_key");
    place.execute("drop table later_signing_key");
    place.execute("drop table later_key_encryption_key");
    place.execute("delete from keyway_schema where version > " + std::to_string(version));
}

}  // namespace keyway::test
