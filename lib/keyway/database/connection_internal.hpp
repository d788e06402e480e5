// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>

#include <soci/soci.h>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace keyway::database {

/// What differs between database systems, apart from SQL.
struct Dialect {
    /// Begins a transaction that will write, so that two of them wait for each other instead of failing.
    std::string begin_writing;

    /// Tells what an error of the driver means.
    /// @param where the database, for the message
    std::function<Error(const soci::soci_error& error, const std::string& where)> explain;

    /// Whether the error says that a row breaks a rule of the schema (a name that is taken).
    std::function<bool(const soci::soci_error& error)> is_constraint_violation;
};

/// An open connection.
/// @threadsafety one thread at a time
class Connection {
public:
    Connection(std::unique_ptr<soci::session> session,
               std::shared_ptr<const Dialect> dialect,
               std::string where);

    /// Runs work with the session and turns what SOCI throws into an Error.
    /// @throws Errc::storage_failed, Errc::timed_out, Errc::malformed_data
    template <typename Work>
    auto run(const Work& work) {
        try {
            return work(*session_);
        } catch(const soci::soci_error& error) {
            throw dialect_->explain(error, where_);
        }
    }

    /// Runs work in a transaction: all of it is done, or nothing.
    ///
    /// @param violated thrown when a row breaks a rule of the schema
    /// @throws as run
    template <typename Work>
    auto write(const Error& violated, const Work& work) {
        try {
            Transaction transaction(*session_, dialect_->begin_writing);
            if constexpr(std::is_void_v<decltype(work(*session_))>) {
                work(*session_);
                transaction.commit();
            } else {
                auto result = work(*session_);
                transaction.commit();
                return result;
            }
        } catch(const soci::soci_error& error) {
            throw dialect_->is_constraint_violation(error) ? violated : dialect_->explain(error, where_);
        }
    }

private:
    class Transaction {
    public:
        Transaction(soci::session& session, const std::string& begin);
        Transaction(const Transaction&) = delete;
        Transaction& operator=(const Transaction&) = delete;
        ~Transaction();

        void commit();

    private:
        soci::session& session_;
        bool open_ = true;
    };

    std::unique_ptr<soci::session> session_;
    std::shared_ptr<const Dialect> dialect_;
    std::string where_;
};

}  // namespace keyway::database
