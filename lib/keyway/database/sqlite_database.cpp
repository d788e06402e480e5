// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/descriptor_internal.hpp>
#include <keyway/database/migrations_internal.hpp>
#include <keyway/database/sqlite_database_internal.hpp>
#include <keyway/key/private_file_internal.hpp>

#include <soci/sqlite3/soci-sqlite3.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
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
        case SQLITE_ERROR:
            return {Errc::malformed_data,
                    "the database " + in_quotes(where) +
                        " has not the tables it should have: " + error.get_error_message(),
                    "it has been changed or is damaged; restore it from a copy"};
        case SQLITE_NOMEM:
            return {Errc::storage_failed,
                    "there is not enough memory to work on the database " + in_quotes(where),
                    "give the process more memory"};
        case SQLITE_READONLY:
            return {Errc::storage_failed,
                    "the database " + in_quotes(where) + " cannot be changed here: it can only be read",
                    "see who may write to it and to its folder; where they can only be read, keys can be listed and "
                    "used, not added or removed"};
        case SQLITE_CANTOPEN:
            return {Errc::storage_failed,
                    "the database " + in_quotes(where) + " cannot be opened: " + error.get_error_message(),
                    "check that it can be read, and that its folder can be written: SQLite puts files beside it"};
        default:
            return {Errc::storage_failed,
                    "the database " + in_quotes(where) + " failed: " + error.get_error_message(),
                    "check that its folder is writable and has room"};
    }
}

const std::shared_ptr<const Dialect>& sqlite_dialect() {
    static const auto dialect = std::make_shared<const Dialect>(Dialect{
        .begin_writing = "begin immediate",
        .set_references = "pragma foreign_keys = ",
        .explain = explain,
        .is_constraint_violation =
            [](const soci::soci_error& error) { return result_code(error) == SQLITE_CONSTRAINT; },
    });
    return dialect;
}

/// The name by which SQLite opens a database that nobody can change: without locks, and without a file beside it.
std::string immutable_name(const fs::path& file) {
    std::string name = "file:";
    for(const char c : file.string()) {
        constexpr std::string_view with_a_meaning = "%?#";
        if(with_a_meaning.find(c) == std::string_view::npos) {
            name += c;
        } else {
            name += c == '%' ? "%25" : c == '?' ? "%3f" : "%23";
        }
    }
    return name + "?immutable=1";
}

enum class Access { read_and_write, read_immutable };

Connection connect(const fs::path& file, const std::string& where, std::chrono::seconds patience, Access access) {
    const bool immutable = access == Access::read_immutable;
    try {
        const auto parameters = "dbname=\"" + (immutable ? immutable_name(file) : file.string()) + "\"" +
                                (immutable ? " readonly=true" : "") +
                                " timeout=" + std::to_string(patience.count());
        SessionHandle session(new Session(soci::sqlite3, parameters), std::default_delete<Session>());
        // Not as a parameter above: it would be carried out before the timeout is set, and fail when it has to wait.
        session->sql << "pragma synchronous = full";
        session->sql << "pragma foreign_keys = on";
        session->sql << "pragma secure_delete = on";
        session->sql << "pragma temp_store = memory";
        session->sql << "pragma trusted_schema = off";
        return {std::move(session), sqlite_dialect(), where};
    } catch(const soci::soci_error& error) {
        throw explain(error, where);
    }
}

/// What SQLite puts beside a database, and takes changes from.
constexpr std::array side_files{"-wal", "-journal", "-shm"};

fs::path beside(const fs::path& path, const char* suffix) {
    return path.string() + suffix;
}

/// A file that is its owner's alone, or nothing when there is none. It is not opened for this: closing a database's
/// file takes away the locks that other threads of this process hold on it.
std::optional<struct stat> private_file(const fs::path& path) {
    struct stat info {};
    if(::lstat(path.c_str(), &info) != 0) {
        if(errno == ENOENT) {
            return std::nullopt;
        }
        throw failed("read", path, errno);
    }
    if(S_ISLNK(info.st_mode)) {
        throw Error(Errc::permissions_insecure,
                    "the database file " + in_quotes(path.string()) + " is a symbolic link",
                    "name the file itself");
    }
    if(!S_ISREG(info.st_mode)) {
        throw no_database(path.string());
    }
    require_private(info, path);
    return info;
}

/// Whoever can write into the folder can put a log beside the database, from which SQLite would take changes.
void require_own_folder(const fs::path& folder) {
    struct stat info {};
    if(::stat(folder.c_str(), &info) != 0) {
        if(errno == ENOENT) {
            return;
        }
        throw failed("read the folder", folder, errno);
    }
    if(info.st_uid != ::geteuid() && info.st_uid != 0) {
        throw Error(Errc::permissions_insecure,
                    "the folder " + in_quotes(folder.string()) + " of the database belongs to another user (number " +
                        std::to_string(info.st_uid) + ")",
                    "put the database into a folder of your own");
    }
    // A group with the number of the user is the user's own, where each has one (as pam_umask takes it, too).
    const bool own_group = info.st_gid == ::geteuid();
    if((info.st_mode & S_IWOTH) != 0 || ((info.st_mode & S_IWGRP) != 0 && !own_group)) {
        throw Error(Errc::permissions_insecure,
                    "the folder " + in_quotes(folder.string()) + " of the database can be written by other users",
                    "put the database into a folder of your own, or chmod go-w " + folder.string());
    }
}

/// Whether the database is there, and nobody else can have a hand in it.
bool exists_privately(const fs::path& path) {
    require_own_folder(path.parent_path());
    const auto found = private_file(path);
    if(!found) {
        return false;
    }
    for(const auto* const suffix : side_files) {
        // SQLite gives a file beside a database the mode of that; one made while the database could only be read stays
        // read-only and keeps everybody from writing.
        const auto side = beside(path, suffix);
        if(const auto info = private_file(side); info && (info->st_mode & S_IWUSR) == 0 && (found->st_mode & S_IWUSR) != 0) {
            static_cast<void>(::chmod(side.c_str(), found->st_mode & (S_IRUSR | S_IWUSR)));
        }
    }
    return true;
}

/// How a database can be opened: one in a folder that cannot be written can only be read, as SQLite can put no files
/// beside it.
Access access_to(const fs::path& path) {
    if(::faccessat(AT_FDCWD, path.parent_path().c_str(), W_OK, AT_EACCESS) == 0) {
        return Access::read_and_write;
    }
    for(const auto* const suffix : {"-wal", "-journal"}) {
        if(const auto log = private_file(beside(path, suffix)); log && log->st_size > 0) {
            throw Error(Errc::storage_failed,
                        "the database " + in_quotes(path.string()) +
                            " cannot be opened: its folder cannot be written, but changes are left in " +
                            in_quotes(beside(path, suffix).string()),
                        "list its keys once where the folder can be written, which brings them into the database");
        }
    }
    return Access::read_immutable;
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
        ::unlink(path_.c_str());
        for(const auto* const suffix : side_files) {
            ::unlink(beside(path_, suffix).c_str());
        }
    }

    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
    fs::path path_;
};

/// A new database would take the changes in the log of an old one for its own.
void require_no_remains(const fs::path& path) {
    for(const auto* const suffix : side_files) {
        // In this order: another process may make the database just now, and have a log beside it.
        struct stat info {};
        if(::lstat(beside(path, suffix).c_str(), &info) == 0 && ::lstat(path.c_str(), &info) != 0) {
            throw Error(Errc::already_exists,
                        in_quotes(beside(path, suffix).string()) + " is left from a database that is gone",
                        "bring the database back, or move that file away");
        }
    }
}

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

std::optional<Connection> SqliteDatabase::open() const {
    if(!exists_privately(path_)) {
        return std::nullopt;
    }
    auto connection = connect(path_, path_.string(), patience_, access_to(path_));
    const int found = connection.run([](soci::session& sql) {
        int count = 0;
        sql << "select count(*) from sqlite_master where type = 'table' and name = 'keyway_schema'",
            soci::into(count);
        return count;
    });
    if(found != 1) {
        throw no_database(path_.string());
    }
    look_at_schema(connection);
    return connection;
}

void SqliteDatabase::require_room() const {
    // A transaction that is rolled back writes nothing: the log is only written at its end.
    const Descriptor folder(::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if(folder.get() < 0) {
        throw failed("read the folder", path_.parent_path(), errno);
    }
    // Of each of the pages that a key changes there is one more in the log; and the table of the log's pages.
    keyway::require_room(folder.get(), path_.parent_path(), 256UL * 1024UL);
}

bool SqliteDatabase::make(const std::string& now, const std::function<bool(Connection&)>& fill) const {
    require_own_folder(path_.parent_path());
    require_no_remains(path_);
    const TemporaryDatabase file(path_);
    {
        auto connection = connect(file.path(), path_.string(), patience_, Access::read_and_write);
        connection.run([](soci::session& sql) {
            std::string mode;
            sql << "pragma journal_mode = wal", soci::into(mode);
            make_version_table(sql);
        });
        migrate(connection, now);
        if(!fill(connection)) {
            return false;
        }
    }  // closed: the log has been written back and is gone
    sync(file.path(), 0);
    // Two processes may make the database at once; the second finds the name taken.
    if(::link(file.path().c_str(), path_.c_str()) != 0) {
        if(errno == EEXIST) {
            return false;
        }
        throw failed("make", path_, errno);
    }
    sync(path_.parent_path(), O_DIRECTORY);
    return true;
}

}  // namespace keyway::database
