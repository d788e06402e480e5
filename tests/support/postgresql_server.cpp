// SPDX-License-Identifier: BSD-2-Clause
#include <support/postgresql_server.hpp>
#include <support/process.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <libpq-fe.h>
#include <memory>
#include <pwd.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace keyway::test {

namespace {

namespace fs = std::filesystem;

struct Owner {
    uid_t user;
    gid_t group;
};

/// Whom the server belongs to: it refuses to run as root.
Owner owner() {
    for(const auto* const name : {"postgres", "nobody"}) {
        if(const auto* const entry = ::getpwnam(name); entry != nullptr && ::geteuid() == 0) {
            return {entry->pw_uid, entry->pw_gid};
        }
    }
    return {::geteuid(), ::getegid()};
}

void must(const std::vector<std::string>& command) {
    const auto result = run(command);
    if(result.status != 0) {
        throw std::runtime_error(command.front() + " failed: " + result.out + result.err);
    }
}

}  // namespace

fs::path PostgresqlServer::programs() {
    fs::path newest;
    int version = 0;
    for(const auto* const root : {"/usr/lib/postgresql", "/usr/local/pgsql", "/usr/pgsql"}) {
        std::error_code ignored;
        for(const auto& entry : fs::directory_iterator(root, ignored)) {
            const auto number = std::atoi(entry.path().filename().c_str());
            if(number > version && fs::exists(entry.path() / "bin/initdb", ignored) &&
               fs::exists(entry.path() / "bin/postgres", ignored)) {
                newest = entry.path() / "bin";
                version = number;
            }
        }
    }
    return newest;
}

PostgresqlServer& PostgresqlServer::get() {
    if(programs().empty()) {
        SKIP("no PostgreSQL server is installed (Debian's package \"postgresql\")");
    }
    static PostgresqlServer server;
    return server;
}

std::vector<std::string> PostgresqlServer::as_owner(std::vector<std::string> command) const {
    std::vector<std::string> all{"setpriv", "--pdeathsig=QUIT"};
    if(::geteuid() == 0) {
        const auto [user, group] = owner();
        all.insert(all.end(), {"--reuid=" + std::to_string(user), "--regid=" + std::to_string(group), "--clear-groups"});
    }
    all.insert(all.end(), command.begin(), command.end());
    return all;
}

PostgresqlServer::PostgresqlServer() {
    const auto [user, group] = owner();
    if(::chown(folder_.path().c_str(), user, group) != 0) {
        throw std::runtime_error("cannot give the server its folder");
    }
    // No fsync: what is tested is the end of processes, not of the machine.
    must(as_owner({programs() / "initdb", "-D", folder_.path() / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
                   "--locale=C.UTF-8", "--no-sync"}));
    std::ofstream(folder_.path() / "data/pg_hba.conf") << "local all guarded scram-sha-256\nlocal all all trust\n";
    std::ofstream(folder_.path() / "data/postgresql.conf", std::ios::app)
        << "listen_addresses = ''\nfsync = off\nmax_connections = 60\nshared_buffers = 64MB\nmax_wal_size = 512MB\n"
        << "unix_socket_directories = '" << folder_.path().string() << "'\n";
    start();
    PostgresqlClient client(base());
    client.rows("create role guarded login superuser password 'p:a\\ss''w\xc3\xb6rd '");
}

PostgresqlServer::~PostgresqlServer() {
    kill();
}

void PostgresqlServer::start() {
    const auto command = as_owner({programs() / "postgres", "-D", folder_.path() / "data"});
    const auto log_file = (folder_.path() / "log").string();
    std::vector<char*> arguments;
    for(const auto& each : command) {
        arguments.push_back(const_cast<char*>(each.c_str()));
    }
    arguments.push_back(nullptr);
    process_ = ::fork();
    if(process_ == 0) {
        const int log_to = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(log_to, 1);
        ::dup2(log_to, 2);
        ::execvp(arguments.front(), arguments.data());
        ::_exit(127);
    }
    for(int i = 0; i < 600; ++i) {
        if(PQping(base().c_str()) == PQPING_OK) {
            return;
        }
        if(::waitpid(process_, nullptr, WNOHANG) == process_) {
            process_ = -1;
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw std::runtime_error("the PostgreSQL server did not start: " + log());
}

void PostgresqlServer::signal_all(int signal) const {
    // Its children too, which are known by their parent.
    const auto children = run({"ps", "-o", "pid=", "--ppid", std::to_string(process_)}).out;
    ::kill(process_, signal);
    std::size_t at = 0;
    while((at = children.find_first_of("0123456789", at)) != std::string::npos) {
        ::kill(std::atoi(children.c_str() + at), signal);
        at = children.find_first_not_of("0123456789", at);
    }
}

void PostgresqlServer::kill() {
    if(process_ > 0) {
        ::kill(process_, SIGQUIT);  // "immediate shutdown": nothing is finished, no transaction, no checkpoint
        ::waitpid(process_, nullptr, 0);
        process_ = -1;
    }
}

std::string PostgresqlServer::base() const {
    return "host=" + folder_.path().string() + " user=postgres dbname=postgres";
}

std::string PostgresqlServer::log() const {
    std::ifstream file(folder_.path() / "log");
    return {std::istreambuf_iterator<char>(file), {}};
}

int PostgresqlServer::count_in_log(const std::string& words) const {
    const auto text = log();
    int found = 0;
    for(auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
        ++found;
    }
    return found;
}

std::string PostgresqlServer::new_database(const std::string& encoding) {
    // Programs that share nothing share no server either, so the number is enough.
    const auto name = "test" + std::to_string(++databases_);
    PostgresqlClient(base()).rows("create database " + name + " encoding '" + encoding +
                                  "' template template0 locale 'C'");
    return "host=" + folder_.path().string() + " dbname=" + name;
}

PostgresqlClient::PostgresqlClient(const std::string& connection)
    : connection_(PQconnectdb(("user=postgres " + connection).c_str())) {
    if(PQstatus(connection_) != CONNECTION_OK) {
        const std::string why = PQerrorMessage(connection_);
        PQfinish(connection_);
        throw std::runtime_error(why);
    }
}

PostgresqlClient::~PostgresqlClient() {
    PQfinish(connection_);
}

std::vector<std::string> PostgresqlClient::rows(const std::string& statement) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection_, statement.c_str()), PQclear);
    const auto status = PQresultStatus(result.get());
    if(status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        throw std::runtime_error(PQerrorMessage(connection_));
    }
    std::vector<std::string> out;
    for(int row = 0; row < PQntuples(result.get()); ++row) {
        std::string text;
        for(int column = 0; column < PQnfields(result.get()); ++column) {
            text += (column == 0 ? "" : "|") + std::string(PQgetvalue(result.get(), row, column));
        }
        out.push_back(text);
    }
    return out;
}

}  // namespace keyway::test
