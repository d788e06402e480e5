// SPDX-License-Identifier: BSD-2-Clause
#include "inputs.hpp"

#include "session.hpp"

#include <keyway/core/error.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace keyway::cli {

namespace {

namespace fs = std::filesystem;

/// What a file is, whatever its name.
using Identity = std::pair<dev_t, ino_t>;

std::optional<Identity> identity_of(const fs::path& file) {
    struct stat status {};
    return ::stat(file.c_str(), &status) == 0 ? std::optional<Identity>({status.st_dev, status.st_ino}) : std::nullopt;
}

/// How a flag names a file that is read.
enum class Naming {
    file,      ///< FILE
    revoked,   ///< FILE:REASON
    key,       ///< REF, which may be a file with a reference; that of a backend is ALIAS:LABEL
    source,    ///< of a secret, which may be file:PATH
};

constexpr std::array reading_flags{
    std::pair{std::string_view("issuer"), Naming::file},           std::pair{std::string_view("csr"), Naming::file},
    std::pair{std::string_view("in"), Naming::file},               std::pair{std::string_view("certificate"), Naming::file},
    std::pair{std::string_view("issuer-key"), Naming::key},        std::pair{std::string_view("key"), Naming::key},
    std::pair{std::string_view("new-wrapping-key"), Naming::key},  std::pair{std::string_view("in-passphrase"), Naming::source},
    std::pair{std::string_view("new-passphrase"), Naming::source}, std::pair{std::string_view("revoke-certificate"), Naming::revoked},
};

bool names(const std::string& text, Naming naming, const Identity& file) {
    const std::string source = "file:";
    if(naming == Naming::source) {
        return text.starts_with(source) && identity_of(text.substr(source.size())) == file;
    }
    if(identity_of(text) == file) {
        return true;
    }
    for(auto end = text.rfind(':'); naming == Naming::revoked && end != std::string::npos && end > 0; end = text.rfind(':', end - 1)) {
        if(identity_of(text.substr(0, end)) == file) {
            return true;
        }
    }
    return false;
}

/// What the settings of a backend name: its database, a PIN's file, a wrapping key's reference; or a key in its folder.
bool is_of(const BackendSettings& backend, const Identity& file, const std::optional<Identity>& folder) {
    for(const auto& [name, option] : backend.options) {
        if(names(option.value, Naming::file, file) || names(option.value, Naming::source, file) ||
           (backend.type == "file" && name == "path" && folder && identity_of(option.value) == folder)) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::optional<std::string> input_that_is(const fs::path& file, const Session& session, const Arguments& arguments) {
    const auto identity = identity_of(file);
    if(!identity) {
        return std::nullopt;
    }
    for(const auto& [flag, naming] : reading_flags) {
        for(const auto& value : arguments.values(flag)) {
            if(names(value, naming, *identity)) {
                return "the file of --" + std::string(flag);
            }
        }
    }
    // A source of a secret, of whichever backend: a key is not meant by these.
    for(const auto& [flag, values] : arguments.flags()) {
        const auto* const known = std::ranges::find(reading_flags, std::string_view(flag), &std::pair<std::string_view, Naming>::first);
        const bool is_key = known != reading_flags.end() && known->second == Naming::key;
        if(!is_key && std::ranges::any_of(values, [&](const auto& value) { return names(value, Naming::source, *identity); })) {
            return "the file of --" + flag;
        }
    }
    for(const auto& positional : {arguments.positional(), arguments.second_positional()}) {
        if(positional && names(*positional, Naming::key, *identity)) {
            return "the file that names the key";
        }
    }
    const auto& configuration = session.configuration();
    if(configuration.file && identity_of(*configuration.file) == identity) {
        return "the settings file";
    }
    if(const auto& audit = configuration.settings.audit(); audit && identity_of(*audit) == identity) {
        return "the audit record";
    }
    const auto folder = identity_of(file.has_parent_path() ? file.parent_path() : fs::path("."));
    for(const auto& [alias, backend] : configuration.settings.backends()) {
        if(is_of(backend, *identity, folder) || is_of({backend.type, session.given_options(alias)}, *identity, folder)) {
            return "a file of backend " + in_quotes(alias.str());
        }
    }
    return std::nullopt;
}

}  // namespace keyway::cli
