// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/database/connection_internal.hpp>
#include <keyway/database/postgresql_database_internal.hpp>
#include <keyway/database/postgresql_parameters_internal.hpp>

#include <atomic>
#include <memory>
#include <string>

namespace keyway::database {

/// What the errors of PostgreSQL mean.
[[nodiscard]] const std::shared_ptr<const Dialect>& postgresql_dialect();

/// The sessions of one process with a PostgreSQL server: a bounded number, used again.
/// @threadsafety safe
class PostgresqlSessions final : public SessionSource, public std::enable_shared_from_this<PostgresqlSessions> {
public:
    explicit PostgresqlSessions(PostgresqlSettings settings);
    PostgresqlSessions(const PostgresqlSessions&) = delete;
    PostgresqlSessions& operator=(const PostgresqlSessions&) = delete;
    ~PostgresqlSessions() override;

    /// A session that nobody else uses: one given back, or a new one. It goes back when the handle goes, unless it is
    /// broken or in a transaction.
    /// @throws Errc::timed_out when all are in use for too long; else as fresh
    [[nodiscard]] SessionHandle borrow();

    /// @throws Errc::passphrase_incorrect, Errc::secret_unavailable for the password; Errc::unsupported when the
    ///         database's text is not in UTF-8; Errc::storage_failed when the server cannot be reached
    [[nodiscard]] SessionHandle fresh() override;

    [[nodiscard]] bool is_lost(Session& session) const override;
    [[nodiscard]] std::unique_ptr<Watch> watch(Session& session) override;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    class State;

    /// The state of this process: one that comes of a fork gets its own, and leaves its parent's sessions alone.
    [[nodiscard]] State& state() const;

    [[nodiscard]] SessionHandle handle(State& state, std::unique_ptr<Session> session);
    [[nodiscard]] SessionHandle opened(State& state);
    [[nodiscard]] std::unique_ptr<Session> connected(State& state);
    [[nodiscard]] std::unique_ptr<Session> connect(const Secret* password) const;

    PostgresqlSettings settings_;
    PostgresqlParameters parameters_;
    std::string name_;
    mutable std::atomic<State*> state_;
};

}  // namespace keyway::database
