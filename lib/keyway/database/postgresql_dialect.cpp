// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/database/postgresql_sessions_internal.hpp>

#include <soci/postgresql/soci-postgresql.h>

#include <string_view>

namespace keyway::database {

namespace {

// SOCI 4.1 has it under another name.
template <typename DriverError>
std::string state_of(const DriverError& error) {
    if constexpr(requires { error.get_sqlstate(); }) {
        return error.get_sqlstate();
    } else {
        return error.sqlstate();
    }
}

/// The SQLSTATE of an error, or nothing when the error is SOCI's own or the server gave none.
std::string sqlstate(const soci::soci_error& error) {
    const auto* const from_server = dynamic_cast<const soci::postgresql_soci_error*>(&error);
    return from_server == nullptr ? std::string() : state_of(*from_server);
}

/// The first line of what the server said. Details, on further lines, repeat values.
std::string words(const soci::soci_error& error) {
    auto text = error.get_error_message();
    if(const auto start = text.find("ERROR:"); start != std::string::npos) {
        text.erase(0, text.find_first_not_of(' ', start + 6));
    }
    return text.substr(0, text.find('\n'));
}

// Only the error's own message is used: what() repeats the values of the statement.
Error explain(const soci::soci_error& error, const std::string& where) {
    const auto state = sqlstate(error);
    const auto database = "the database " + in_quotes(where);
    const auto begins = [&](std::string_view with) { return state.starts_with(with); };
    if(begins("57014") || begins("55P03") || begins("40")) {
        return {Errc::timed_out, database + " is busy: " + words(error),
                "try again, or find out what holds it (pg_stat_activity, pg_locks)"};
    }
    if(begins("42501")) {
        return {Errc::storage_failed, database + " does not let this user do that: " + words(error),
                "have its administrator grant the right; see the guide of the database backend"};
    }
    if(begins("25006")) {
        return {Errc::storage_failed, database + " cannot be changed here: it can only be read",
                "connect to the primary server (target_session_attrs=read-write), or have its administrator end the reading"
                " only (default_transaction_read_only)"};
    }
    if(begins("42") || begins("3F")) {
        return {Errc::malformed_data, database + " has not the tables it should have: " + words(error),
                "it has been changed or is damaged; restore it from a copy"};
    }
    if(begins("53")) {
        return {Errc::storage_failed, database + " is short of something: " + words(error),
                "see whether the server has room on its disk, memory and connections left"};
    }
    return {Errc::storage_failed, database + " failed: " + words(error), "see the log of the server"};
}

}  // namespace

const std::shared_ptr<const Dialect>& postgresql_dialect() {
    static const auto dialect = std::make_shared<const Dialect>(Dialect{
        .begin_writing = "begin isolation level read committed",
        .lock_schema = "select pg_advisory_xact_lock(118070690734457)",  // "keyway" as a number
        .changes_columns = true,
        .keep_row = " for key share",
        .binary_text = "text collate \"C\"",
        .explain = explain,
        .is_constraint_violation =
            [](const soci::soci_error& error) { return sqlstate(error).starts_with("23"); },
    });
    return dialect;
}

}  // namespace keyway::database
