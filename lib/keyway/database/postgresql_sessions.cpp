// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/database/postgresql_sessions_internal.hpp>
#include <keyway/database/watchdog_internal.hpp>

#include <soci/postgresql/soci-postgresql.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <poll.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace keyway::database {

namespace {

using std::chrono::steady_clock;

// Longer than the server's own limit, which ends the same work in better order.
constexpr std::chrono::milliseconds grace{1000};

PGconn*& connection_of(Session& session) {
    return static_cast<soci::postgresql_session_backend*>(session.sql.get_backend())->conn_;
}

/// The server forgets the statements of a session by itself when that ends.
class PostgresqlSession final : public Session {
public:
    using Session::Session;
    ~PostgresqlSession() override {
        // First: without a connection, the end of each statement asks nothing of a server that may not answer any more.
        auto*& connection = connection_of(*this);
        PQfinish(connection);
        connection = nullptr;
    }
};

/// Whether a session can be given to the next: it has a server, and is in no transaction.
bool is_at_rest(Session& session) {
    const auto* const connection = connection_of(session);
    return PQstatus(connection) == CONNECTION_OK && PQtransactionStatus(connection) == PQTRANS_IDLE;
}

/// Whether the server has said something, or gone, while nobody asked. A server that stops does both.
bool has_news(Session& session) {
    pollfd socket{.fd = PQsocket(connection_of(session)), .events = POLLIN, .revents = 0};
    return ::poll(&socket, 1, 0) != 0;
}

/// Why the server was not reached. The driver has no more than the text, which other servers may say in another language;
/// then the class is storage_failed, with their words.
Error not_reached(const soci::soci_error& error, const std::string& name) {
    auto text = error.get_error_message();
    const auto has = [&](std::string_view words) { return text.find(words) != std::string::npos; };
    if(has("password authentication failed")) {
        return {Errc::passphrase_incorrect, "the server of the database " + in_quotes(name) + " refused the password",
                "give the password of the database's user by \"database-password\" or in ~/.pgpass"};
    }
    if(has("no password supplied")) {
        return {Errc::secret_unavailable,
                "the server of the database " + in_quotes(name) + " asks for a password, and there is none",
                "give the option \"database-password\" (env:NAME, file:PATH, fd:N or prompt:), or have it in ~/.pgpass"};
    }
    // The first line is SOCI's; each of libpq's is about one address.
    if(const auto line = text.find('\n'); line != std::string::npos) {
        text.erase(0, line + 1);
    }
    text = text.substr(0, text.find('\n'));
    if(has("timeout expired")) {
        return {Errc::timed_out, "the database " + in_quotes(name) + " cannot be reached in time: " + text,
                "see whether its server is well, or give a longer \"timeout\""};
    }
    return {Errc::storage_failed, "the database " + in_quotes(name) + " cannot be reached: " + text,
            "see whether its server runs, and whether this user may use it"};
}

void prepare(Session& session, const std::string& name, std::chrono::milliseconds timeout) {
    const auto* const encoding = PQparameterStatus(connection_of(session), "server_encoding");
    if(encoding == nullptr || std::string_view(encoding) != "UTF8") {
        throw Error(Errc::unsupported,
                    "the database " + in_quotes(name) + " keeps text in " +
                        in_quotes(encoding == nullptr ? "?" : encoding) + ", which cannot hold every label",
                    "make it with: create database NAME encoding 'UTF8' template template0");
    }
    // libpq would print the server's notices on our standard error.
    PQsetNoticeProcessor(connection_of(session), [](void*, const char*) {}, nullptr);
    const auto limit = std::to_string(timeout.count());
    auto& sql = session.sql;
    // Nothing but Keyway's own schema is looked into, so that nobody's table of the same name is taken for ours.
    sql << "set search_path = keyway, pg_temp";
    sql << "set statement_timeout = " + limit;
    sql << "set lock_timeout = " + limit;
    sql << "set idle_in_transaction_session_timeout = " + limit;
    // A key that was handed out has to be there after a power failure.
    std::string durable;
    sql << "select set_config('synchronous_commit',"
           " case current_setting('synchronous_commit') when 'off' then 'on'"
           " else current_setting('synchronous_commit') end, false)",
        soci::into(durable);
}

}  // namespace

class PostgresqlSessions::State {
public:
    State(State* parents, std::chrono::milliseconds patience) : parents_(parents), watchdog(patience + grace) {}

    [[nodiscard]] bool is_this_process() const noexcept { return process_ == ::getpid(); }

    void give_back(std::unique_ptr<Session> session) {
        const bool keep = is_at_rest(*session);
        if(!keep) {
            session.reset();
        }
        {
            const std::lock_guard lock(mutex);
            --lent;
            if(keep) {
                idle.push_back(std::move(session));
            }
        }
        freed.notify_one();
    }

private:
    const pid_t process_ = ::getpid();
    // Never touched, as the sessions in it belong to the parent; kept, so that it is not taken for lost memory.
    [[maybe_unused]] State* const parents_;

public:
    std::mutex mutex;
    std::condition_variable freed;
    std::vector<std::unique_ptr<Session>> idle;  ///< the last used at the end
    std::size_t lent = 0;
    bool was_connected = false;
    std::optional<Secret> password;  ///< one that the server took
    Watchdog watchdog;
};

PostgresqlSessions::PostgresqlSessions(PostgresqlSettings settings)
    : settings_(std::move(settings)),
      parameters_(PostgresqlParameters::parse(settings_.connection)),
      name_(parameters_.name()),
      state_(new State(nullptr, settings_.timeout)) {}

PostgresqlSessions::~PostgresqlSessions() {
    // To close a session of the parent's would end it for the parent.
    if(auto* const own = state_.load(); own->is_this_process()) {
        delete own;
    }
}

PostgresqlSessions::State& PostgresqlSessions::state() const {
    auto* now = state_.load();
    while(!now->is_this_process()) {
        auto own = std::make_unique<State>(now, settings_.timeout);
        if(state_.compare_exchange_strong(now, own.get())) {
            return *own.release();
        }
    }
    return *now;
}

SessionHandle PostgresqlSessions::handle(State& state, std::unique_ptr<Session> session) {
    return {session.release(), [self = shared_from_this(), &state](Session* given) {
                std::unique_ptr<Session> back(given);
                if(state.is_this_process()) {
                    state.give_back(std::move(back));
                } else {
                    static_cast<void>(back.release());  // the parent's
                }
            }};
}

SessionHandle PostgresqlSessions::borrow() {
    auto& own = state();
    std::vector<std::unique_ptr<Session>> stale;  // closed after the lock
    std::unique_lock lock(own.mutex);
    const auto deadline = steady_clock::now() + settings_.timeout;
    if(!own.freed.wait_until(lock, deadline, [&] { return own.lent < settings_.connections; })) {
        throw Error(Errc::timed_out,
                    "all " + std::to_string(settings_.connections) + " connections to the database " +
                        in_quotes(name_) + " are in use",
                    "give more \"connections\", or a longer \"timeout\"");
    }
    ++own.lent;
    while(!own.idle.empty()) {
        auto session = std::move(own.idle.back());
        own.idle.pop_back();
        if(!has_news(*session)) {
            return handle(own, std::move(session));
        }
        stale.push_back(std::move(session));
    }
    lock.unlock();
    return opened(own);
}

SessionHandle PostgresqlSessions::fresh() {
    auto& own = state();
    {
        std::unique_lock lock(own.mutex);
        // The sessions that lie idle are likely to have lost the server, too.
        own.idle.clear();
        if(!own.freed.wait_until(lock, steady_clock::now() + settings_.timeout,
                                 [&] { return own.lent < settings_.connections; })) {
            throw Error(Errc::timed_out, "all connections to the database " + in_quotes(name_) + " are in use",
                        "give more \"connections\", or a longer \"timeout\"");
        }
        ++own.lent;
    }
    return opened(own);
}

/// A new session for the place that is taken already.
SessionHandle PostgresqlSessions::opened(State& state) {
    try {
        auto session = connected(state);
        try {
            const auto guard = state.watchdog.watch(PQsocket(connection_of(*session)));
            prepare(*session, name_, settings_.timeout);
        } catch(const soci::soci_error& error) {
            throw postgresql_dialect()->explain(error, name_);
        }
        return handle(state, std::move(session));
    } catch(...) {
        {
            const std::lock_guard lock(state.mutex);
            --state.lent;
        }
        state.freed.notify_one();
        throw;
    }
}

std::unique_ptr<Session> PostgresqlSessions::connected(State& state) {
    const auto deadline = steady_clock::now() + settings_.timeout;
    for(;;) {
        std::optional<Secret> password;
        bool was_connected = false;
        {
            const std::lock_guard lock(state.mutex);
            was_connected = state.was_connected;
            if(state.password) {
                password = state.password->clone();
            }
        }
        const bool known = password.has_value();
        if(!known && settings_.password) {
            password = settings_.password();
        }
        try {
            auto session = connect(password ? &*password : nullptr);
            const std::lock_guard lock(state.mutex);
            state.was_connected = true;
            state.password = std::move(password);
            return session;
        } catch(const Error& error) {
            if(error.code() == Errc::passphrase_incorrect) {
                const std::lock_guard lock(state.mutex);
                state.password.reset();
                if(known) {
                    continue;  // it has been changed: once with what its source holds now
                }
                throw;
            }
            // A server that was there before is waited for: it may be about to start again.
            if(!was_connected || error.code() != Errc::storage_failed || steady_clock::now() >= deadline) {
                throw;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
    }
}

std::unique_ptr<Session> PostgresqlSessions::connect(const Secret* password) const {
    std::optional<PasswordFile> file;
    if(password != nullptr) {
        file.emplace(*password);
    }
    try {
        return std::make_unique<PostgresqlSession>(
            soci::postgresql, parameters_.uri(settings_.timeout, file ? file->path() : ""));
    } catch(const soci::soci_error& error) {
        throw not_reached(error, name_);
    }
}

bool PostgresqlSessions::is_lost(Session& session) const {
    // libpq notices with the last answer, or with the next question. Behind an answer there is nothing to read but the end.
    const auto* const connection = connection_of(session);
    return PQstatus(connection) != CONNECTION_OK || PQsocket(connection) < 0 || has_news(session);
}

std::unique_ptr<Watch> PostgresqlSessions::watch(Session& session) {
    return state().watchdog.watch(PQsocket(connection_of(session)));
}

}  // namespace keyway::database
