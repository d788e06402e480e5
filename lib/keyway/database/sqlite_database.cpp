// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/descriptor_internal.hpp>
#include <keyway/database/migrations_internal.hpp>
#include <keyway/database/sqlite_database_internal.hpp>
#include <keyway/key/private_file_internal.hpp>

#include <soci/sqlite3/soci-sqlite3.h>

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace keyway::database {

namespace {

namespace fs = std::filesystem;

Error failed(std::string_view doing, const fs::path& path, int error_number) {
    return {Errc::storage_failed,
            "cannot " + std::string(doing) + " " + in_quotes(path.string()) + ": " +
                std::generic_category().message(error_number),
            "check that the folder exists, is writable and has room"};
}

Error no_database(const std::string& where) {
    return {Errc::malformed_data,
            in_quotes(where) + " is no database of Keyway's, or is damaged",
            "name another file; one that is not there is made when the first key is put into it"};
}

/// The primary result code of SQLite, or 0 when the error is SOCI's own.
int result_code(const soci::soci_error& error) {
    const auto* const from_sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
    return from_sqlite == nullptr ? 0 : from_sqlite->result() & 0xff;
}

// Only the error's own message is used: what() repeats the values of the statement.
Error explain(const soci::soci_error& error, const std::string& where) {
    switch(result_code(error)) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {Errc::timed_out,
                    "the database " + in_quotes(where) + " is locked by another process",
                    "try again, or find out which process holds it"};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return no_database(where);
        default:
            return {Errc::storage_failed,
                    "the database " + in_quotes(where) + " failed: " + error.get_error_message(),
                    "check that its folder is writable and has room"};
    }
}

const std::shared_ptr<const Dialect>& sqlite_dialect() {
    static const auto dialect = std::make_shared<const Dialect>(Dialect{
        .begin_writing = "begin immediate",
        .explain = explain,
        .is_constraint_violation =
            [](const soci::soci_error& error) { return result_code(error) == SQLITE_CONSTRAINT; },
    });
    return dialect;
}

Connection connect(const fs::path& file, const std::string& where, std::chrono::seconds patience) {
    try {
        auto session = std::make_unique<soci::session>(
            soci::sqlite3, "dbname=\"" + file.string() + "\" timeout=" + std::to_string(patience.count()));
        // Not as a parameter above: it would be carried out before the timeout is set, and fail when it has to wait.
        *session << "pragma synchronous = full";
        *session << "pragma foreign_keys = on";
        *session << "pragma secure_delete = on";
        *session << "pragma temp_store = memory";
        *session << "pragma trusted_schema = off";
        return {std::move(session), sqlite_dialect(), where};
    } catch(const soci::soci_error& error) {
        throw explain(error, where);
    }
}

/// The file at its later place, or nothing when there is none. It is not opened for this: closing a database's file
/// takes away the locks that other threads of this process hold on it.
bool exists_privately(const fs::path& path) {
    struct stat info {};
    if(::lstat(path.c_str(), &info) != 0) {
        if(errno == ENOENT) {
            return false;
        }
        throw failed("read", path, errno);
    }
    if(S_ISLNK(info.st_mode)) {
        throw Error(Errc::permissions_insecure,
                    "the database " + in_quotes(path.string()) + " is a symbolic link",
                    "name the file itself");
    }
    if(!S_ISREG(info.st_mode)) {
        throw no_database(path.string());
    }
    require_private(info, path);
    return true;
}

/// A file under a temporary name, removed when this goes, with what SQLite puts beside it.
class TemporaryDatabase {
public:
    explicit TemporaryDatabase(const fs::path& target)
        : path_(target.parent_path() / ("." + target.filename().string() + ".XXXXXX")) {
        auto pattern = path_.string();
        const Descriptor file(::mkostemp(pattern.data(), O_CLOEXEC));
        if(file.get() < 0) {
            throw failed("make", target, errno);
        }
        path_ = pattern;
    }
    TemporaryDatabase(const TemporaryDatabase&) = delete;
    TemporaryDatabase& operator=(const TemporaryDatabase&) = delete;
    ~TemporaryDatabase() {
        for(const auto* const suffix : {"", "-wal", "-shm", "-journal"}) {
            ::unlink((path_.string() + suffix).c_str());
        }
    }

    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
    fs::path path_;
};

void sync(const fs::path& path, int flags) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
    if(file.get() < 0 || (::fsync(file.get()) != 0 && errno != EINVAL && errno != EROFS)) {
        throw failed("sync", path, errno);
    }
}

}  // namespace

SqliteDatabase::SqliteDatabase(const fs::path& path, std::chrono::seconds patience)
    : path_(fs::absolute(path)), patience_(patience) {
    if(path_.string().find('"') != std::string::npos || !path_.has_filename()) {
        throw Error(Errc::invalid_option,
                    in_quotes(path_.string()) + " cannot be the name of a database",
                    "name a file, without a double quotation mark in its path");
    }
}

std::optional<Connection> SqliteDatabase::open(const std::string& now) const {
    if(!exists_privately(path_)) {
        return std::nullopt;
    }
    auto connection = connect(path_, path_.string(), patience_);
    const int found = connection.run([](soci::session& sql) {
        int count = 0;
        sql << "select count(*) from sqlite_master where type = 'table' and name = 'keyway_schema'",
            soci::into(count);
        return count;
    });
    if(found != 1) {
        throw no_database(path_.string());
    }
    migrate(connection, path_.string(), now);
    return connection;
}

Connection SqliteDatabase::open_or_make(const std::string& now) const {
    if(!exists_privately(path_)) {
        make(now);
    }
    if(auto connection = open(now)) {
        return std::move(*connection);
    }
    throw failed("open", path_, ENOENT);
}

void SqliteDatabase::make(const std::string& now) const {
    const TemporaryDatabase file(path_);
    {
        auto connection = connect(file.path(), path_.string(), patience_);
        connection.run([](soci::session& sql) {
            std::string mode;
            sql << "pragma journal_mode = wal", soci::into(mode);
        });
        make_version_table(connection);
        migrate(connection, path_.string(), now);
    }  // closed: the log has been written back and is gone
    sync(file.path(), 0);
    // Two processes may make the database at once; the second finds the name taken and uses the first one's.
    if(::link(file.path().c_str(), path_.c_str()) != 0 && errno != EEXIST) {
        throw failed("make", path_, errno);
    }
    sync(path_.parent_path(), O_DIRECTORY);
}

}  // namespace keyway::database
