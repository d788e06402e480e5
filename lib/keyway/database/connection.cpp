// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/database/connection_internal.hpp>

namespace keyway::database {

Connection::Connection(std::unique_ptr<soci::session> session,
                       std::shared_ptr<const Dialect> dialect,
                       std::string where)
    : session_(std::move(session)), dialect_(std::move(dialect)), where_(std::move(where)) {}

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
