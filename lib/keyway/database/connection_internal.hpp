// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>

#include <soci/soci.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace keyway::database {

/// What differs between database systems, apart from SQL.
struct Dialect {
    /// Begins a transaction that will write, so that two of them wait for each other instead of failing.
    std::string begin_writing;

    /// The statement by which a transaction that will change the schema waits for others that do; empty where
    /// begin_writing does that.
    std::string lock_schema;

    /// The beginning of the statement, to be ended by "on" or "off", by which a session sees to it that rows refer to rows; empty
    /// where tables are changed without that.
    std::string set_references;

    /// Whether the rules of a column can be changed.
    bool changes_columns = false;

    /// Put behind a select of a row that has to stay as it is until the end of the transaction; empty where begin_writing
    /// sees to that.
    std::string keep_row;

    /// The type of text that is compared and sorted byte by byte.
    std::string binary_text = "text";

    /// Tells what an error of the driver means.
    /// @param where the database, for the message
    std::function<Error(const soci::soci_error& error, const std::string& where)> explain;

    /// Whether the error says that a row breaks a rule of the schema (a name that is taken).
    std::function<bool(const soci::soci_error& error)> is_constraint_violation;
};

/// A statement that is prepared once in a session and carried out many times, together with the variables it is bound to.
class KeptStatement {
public:
    KeptStatement() = default;
    KeptStatement(const KeptStatement&) = delete;
    KeptStatement& operator=(const KeptStatement&) = delete;
    virtual ~KeptStatement();
};

/// A session, and the statements that are kept in it.
/// @threadsafety one thread at a time
class Session {
public:
    Session(const soci::backend_factory& system, const std::string& parameters) : sql(system, parameters) {}
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    virtual ~Session();

    /// The statement of this text, prepared when it is asked for the first time.
    /// @tparam Statement made from the session and the text; one text is never asked for as two kinds of statement
    template <typename Statement>
    [[nodiscard]] Statement& kept(const std::string& text) {
        auto found = kept_.find(text);
        if(found == kept_.end()) {
            found = kept_.emplace(text, std::make_unique<Statement>(sql, text)).first;
        }
        return static_cast<Statement&>(*found->second);
    }

    /// Forgets them: one that failed may have stopped in the middle.
    void forget_statements() noexcept { kept_.clear(); }

    soci::session sql;

private:
    std::map<std::string, std::unique_ptr<KeptStatement>> kept_;
};

/// A session, and what is to be done with it at the end: it is closed, or given back.
using SessionHandle = std::unique_ptr<Session, std::function<void(Session*)>>;

/// Guards one piece of work: where it takes too long, its session is cut off.
class Watch {
public:
    virtual ~Watch();
    /// Whether the session was cut off.
    [[nodiscard]] virtual bool expired() const noexcept = 0;
};

/// Where the sessions of a connection to a server come from. A database in a file has none: it cannot go away.
/// @threadsafety safe
class SessionSource {
public:
    virtual ~SessionSource();

    /// A session that has just been opened.
    [[nodiscard]] virtual SessionHandle fresh() = 0;

    /// Whether the session has lost its server.
    [[nodiscard]] virtual bool is_lost(Session& session) const = 0;

    [[nodiscard]] virtual std::unique_ptr<Watch> watch(Session& session) = 0;
};

/// An open connection.
/// @threadsafety one thread at a time
class Connection {
public:
    /// @param source from which a session that has lost its server is replaced, once for each piece of work
    Connection(SessionHandle session,
               std::shared_ptr<const Dialect> dialect,
               std::string where,
               std::shared_ptr<SessionSource> source = nullptr);

    [[nodiscard]] const Dialect& dialect() const noexcept { return *dialect_; }
    [[nodiscard]] const std::string& where() const noexcept { return where_; }

    /// The version of the schema that the database has; it may be older than this library's where it was opened to be read.
    [[nodiscard]] int schema() const noexcept { return schema_; }
    void set_schema(int version) noexcept { schema_ = version; }

    /// A statement of the session that run or write has just given to the work; it belongs to that session (Session::kept).
    template <typename Statement>
    [[nodiscard]] Statement& kept(const std::string& text) {
        return session_->kept<Statement>(text);
    }

    /// Runs work with the session and turns what SOCI throws into an Error. The work only reads: it is done again when
    /// the server was lost in the middle.
    /// @throws Errc::storage_failed, Errc::timed_out, Errc::malformed_data
    template <typename Work>
    auto run(const Work& work) {
        for(bool again = false;; again = true) {
            auto watch = watched();
            try {
                return work(session_->sql);
            } catch(const soci::soci_error& error) {
                replace_lost(error, watch, again, Outcome::known);
            }
        }
    }

    /// Runs work in a transaction: all of it is done, or nothing. When the server is lost before the end, nothing has been
    /// done, and the work is done again on a new session. When it is lost while it commits, nobody knows; then settle
    /// looks.
    ///
    /// @param violated thrown when a row breaks a rule of the schema
    /// @param settle reads, on a new session, whether the work was done: its result, or nothing when it has to be done
    /// @throws as run; Errc::outcome_unknown when nobody could find out whether the work was done
    template <typename Work, typename Settle>
    auto write(const Error& violated, const Work& work, const Settle& settle) {
        auto outcome = Outcome::known;
        for(bool again = false;; again = true) {
            auto watch = watched();
            bool committing = false;
            try {
                if(outcome == Outcome::unknown) {
                    if(auto settled = settle(session_->sql)) {
                        return *std::move(settled);
                    }
                }
                Transaction transaction(session_->sql, dialect_->begin_writing);
                auto result = work(session_->sql);
                committing = true;
                transaction.commit();
                return result;
            } catch(const soci::soci_error& error) {
                if(!dialect_->is_constraint_violation(error)) {
                    // An answer to the commit, even a bad one, says that it did not take place.
                    if(committing && is_lost()) {
                        outcome = Outcome::unknown;
                    }
                    if(outcome == Outcome::unknown && !is_lost()) {
                        // The lost transaction may have stood in the way until just now.
                        watch.reset();
                        if(auto settled = settled_late(settle)) {
                            return *std::move(settled);
                        }
                        throw_unknown(error);
                    }
                    replace_lost(error, watch, again, outcome);
                    continue;
                }
            }
            // The transaction of the lost session may have ended only now, and then it is what is in the way.
            if(outcome == Outcome::unknown) {
                if(auto settled = run(settle)) {
                    return *std::move(settled);
                }
            }
            throw Error(violated);
        }
    }

    /// The same for work that may be done twice: it looks itself at what is there.
    template <typename Work>
    auto write(const Error& violated, const Work& work) {
        if constexpr(std::is_void_v<decltype(work(session_->sql))>) {
            static_cast<void>(write(violated, [&](soci::session& sql) { return work(sql), true; }));
        } else {
            return write(violated, work, [](soci::session&) { return std::optional<decltype(work(session_->sql))>(); });
        }
    }

    /// Runs work in a transaction that is rolled back at the end: whether it could be done is known, and nothing is changed.
    /// @throws as run; Errc::storage_failed when a row breaks a rule of the schema
    template <typename Work>
    void rehearse(const Work& work) {
        run([&](soci::session& sql) {
            const Transaction transaction(sql, dialect_->begin_writing);
            work(sql);
        });
    }

private:
    enum class Outcome { known, unknown };

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

    [[nodiscard]] bool is_lost() const { return source_ != nullptr && source_->is_lost(*session_); }

    /// What settle finds, where it can look at all.
    template <typename Settle>
    auto settled_late(const Settle& settle) -> std::invoke_result_t<const Settle&, soci::session&> {
        try {
            return run(settle);
        } catch(const Error&) {
            return std::nullopt;
        }
    }

    /// @param error why the second try was in vain
    [[noreturn]] void throw_unknown(const soci::soci_error& error) const;

    /// Guards the work to come, on a session that is there.
    [[nodiscard]] std::unique_ptr<Watch> watched();

    /// Puts a new session in the place of one that has lost its server; throws what the error means otherwise, and when
    /// that has been done before.
    void replace_lost(const soci::soci_error& error, std::unique_ptr<Watch>& watch, bool again, Outcome outcome);

    std::shared_ptr<SessionSource> source_;
    SessionHandle session_;
    std::shared_ptr<const Dialect> dialect_;
    std::string where_;
    int schema_ = 0;
};

}  // namespace keyway::database
