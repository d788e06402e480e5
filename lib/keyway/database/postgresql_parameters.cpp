// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/database/postgresql_parameters_internal.hpp>

#include <botan/secmem.h>

#include <algorithm>
#include <cerrno>
#include <libpq-fe.h>
#include <memory>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace keyway::database {

namespace {

/// @spec RFC 3986 2.1
std::string percent_encoded(const std::string& value) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for(const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.') {
            out += c;
        } else {
            out += {'%', digits[byte >> 4U], digits[byte & 15U]};
        }
    }
    return out;
}

}  // namespace

PostgresqlParameters PostgresqlParameters::parse(const std::string& text) {
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
        PQconninfoParse(text.c_str(), nullptr), PQconninfoFree);
    if(options == nullptr || text.find('\0') != std::string::npos) {
        // Neither the text nor what libpq says of it is repeated: a password may be in either.
        throw Error(Errc::invalid_option,
                    "the connection string of the PostgreSQL server is not one that libpq can read",
                    "write it as \"host=NAME dbname=NAME user=NAME\" or postgresql://USER@HOST/DATABASE");
    }
    PostgresqlParameters out;
    for(const auto* option = options.get(); option->keyword != nullptr; ++option) {
        if(option->val == nullptr) {
            continue;
        }
        const std::string keyword = option->keyword;
        if(keyword == "password" || keyword == "sslpassword") {
            throw Error(Errc::invalid_option,
                        "there is a " + std::string(keyword == "password" ? "password" : "pass phrase of a TLS key") +
                            " in the connection string of the PostgreSQL server",
                        keyword == "password"
                            ? "leave it out, and name its source by \"database-password\" (env:NAME, file:PATH, fd:N or "
                              "prompt:), or have it in ~/.pgpass"
                            : "leave it out: use a key file that needs none");
        }
        out.values_.emplace(keyword, option->val);
    }
    return out;
}

std::string PostgresqlParameters::uri(std::chrono::milliseconds timeout, const std::string& password_file) const {
    auto values = values_;
    // libpq counts whole seconds, and waits for two at least.
    const auto seconds = std::max<std::chrono::seconds::rep>(
        2, std::chrono::ceil<std::chrono::seconds>(timeout).count());
    values.emplace("connect_timeout", std::to_string(seconds));
    values.emplace("tcp_user_timeout", std::to_string(timeout.count()));
    values.emplace("fallback_application_name", "keyway");
    values["client_encoding"] = "UTF8";
    if(!password_file.empty()) {
        values["password"];  // empty: else PGPASSWORD would come before the file
        values["passfile"] = password_file;
    }
    std::string out = "postgresql://";
    for(const auto& [keyword, value] : values) {
        out += (out.back() == '/' ? "?" : "&") + keyword + "=" + percent_encoded(value);
    }
    return out;
}

std::string PostgresqlParameters::name() const {
    std::string out = "postgresql:";
    for(const auto* const keyword : {"service", "host", "hostaddr", "port", "dbname", "user"}) {
        if(const auto found = values_.find(keyword); found != values_.end()) {
            out += (out.back() == ':' ? "" : " ") + found->first + "=" + found->second;
        }
    }
    return out;
}

PasswordFile::PasswordFile(const Secret& password) {
    // The first four fields: any server, port, database and user. A colon would end the last one.
    Botan::secure_vector<char> line{'*', ':', '*', ':', '*', ':', '*', ':'};
    line.reserve(line.size() + 2 * password.size() + 1);
    for(const char c : password.reveal()) {
        if(c == '\n' || c == '\r' || c == '\0') {
            throw Error(Errc::invalid_argument, "the password of the database has a line end or a zero byte in it",
                        "use another password");
        }
        if(c == ':' || c == '\\') {
            line.push_back('\\');
        }
        line.push_back(c);
    }
    line.push_back('\n');
    size_ = line.size();
    descriptor_ = ::memfd_create("keyway", MFD_CLOEXEC);
    // libpq refuses a file that others can read.
    if(descriptor_ < 0 || ::fchmod(descriptor_, S_IRUSR | S_IWUSR) != 0 ||
       ::pwrite(descriptor_, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
        const auto why = std::generic_category().message(errno);
        if(descriptor_ >= 0) {
            ::close(descriptor_);
        }
        throw Error(Errc::storage_failed, "cannot hand the password of the database on: " + why);
    }
}

PasswordFile::~PasswordFile() {
    const std::string zeros(size_, '\0');
    static_cast<void>(::pwrite(descriptor_, zeros.data(), zeros.size(), 0) < 0);
    ::close(descriptor_);
}

std::string PasswordFile::path() const {
    return "/proc/self/fd/" + std::to_string(descriptor_);
}

}  // namespace keyway::database
