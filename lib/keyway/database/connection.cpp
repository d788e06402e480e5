// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/database/connection_internal.hpp>

#include <exception>

namespace keyway::database {

namespace {

Error unknown_outcome(const std::string& where) {
    return {Errc::outcome_unknown,
            "the connection to the database " + in_quotes(where) +
                " was lost while a change was committed: nobody knows whether it took place",
            "when the server can be reached again, see (list, check) what is there before trying again"};
}

}  // namespace

KeptStatement::~KeptStatement() = default;
Session::~Session() = default;
Watch::~Watch() = default;
SessionSource::~SessionSource() = default;

Connection::Connection(SessionHandle session,
                       std::shared_ptr<const Dialect> dialect,
                       std::string where,
                       std::shared_ptr<SessionSource> source)
    : source_(std::move(source)),
      session_(std::move(session)),
      dialect_(std::move(dialect)),
      where_(std::move(where)) {}

std::unique_ptr<Watch> Connection::watched() {
    if(source_ == nullptr) {
        return nullptr;
    }
    if(session_ == nullptr) {  // lost, and there was no new one
        session_ = source_->fresh();
    }
    return source_->watch(*session_);
}

void Connection::throw_unknown(const soci::soci_error& error) const {
    try {
        throw dialect_->explain(error, where_);
    } catch(const Error&) {
        std::throw_with_nested(unknown_outcome(where_));
    }
}

void Connection::replace_lost(const soci::soci_error& error,
                              std::unique_ptr<Watch>& watch,
                              bool again,
                              Outcome outcome) {
    const bool expired = watch != nullptr && watch->expired();
    const bool lost = is_lost();
    if(!lost) {
        session_->forget_statements();  // while it is watched: the server is told
    }
    watch.reset();
    if(!lost) {
        throw dialect_->explain(error, where_);
    }
    session_.reset();  // first: the number of sessions is bounded
    if(expired && outcome == Outcome::known) {
        throw Error(Errc::timed_out, "the database " + in_quotes(where_) + " does not answer",
                    "see whether its server is well, or give a longer \"timeout\"");
    }
    if(again || expired) {
        if(outcome == Outcome::unknown) {
            throw unknown_outcome(where_);
        }
        throw dialect_->explain(error, where_);
    }
    try {
        session_ = source_->fresh();
    } catch(const Error&) {
        if(outcome == Outcome::unknown) {
            std::throw_with_nested(unknown_outcome(where_));
        }
        throw;
    }
}

Connection::Transaction::Transaction(soci::session& session, const std::string& begin) : session_(session) {
    session_ << begin;
}

Connection::Transaction::~Transaction() {
    if(open_) {
        try {
            session_ << "rollback";
        } catch(const std::exception&) {
            // The database gives up a transaction whose connection goes, which is what happens next.
        }
    }
}

void Connection::Transaction::commit() {
    session_ << "commit";
    open_ = false;
}

}  // namespace keyway::database
