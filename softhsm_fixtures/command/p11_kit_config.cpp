// SPDX-License-Identifier: BSD-2-Clause
#include "p11_kit_config.hpp"

#include "failure.hpp"
#include "files.hpp"

#include <cstdlib>
#include <set>
#include <sys/stat.h>
#include <system_error>

namespace softhsm_fixtures::command {

namespace {

namespace fs = std::filesystem;

[[nodiscard]] fs::path users_own() {
    if (const char* value = std::getenv("XDG_CONFIG_HOME"); value != nullptr && *value != '\0') {
        return value;
    }
    const char* home = std::getenv("HOME");
    return home != nullptr && *home != '\0' ? fs::path(home) / ".config" : fs::path();
}

/// Links all entries of `from` into `to`, without those of these names.
void link_entries(const fs::path& from, const fs::path& to, const std::set<std::string>& except) {
    std::error_code ignored;
    for (fs::directory_iterator entry(from, ignored), end; entry != end; entry.increment(ignored)) {
        if (!except.contains(entry->path().filename().string())) {
            fs::create_symlink(fs::absolute(entry->path()), to / entry->path().filename(), ignored);
        }
    }
}

void make_folder(const fs::path& folder) {
    if (::mkdir(folder.c_str(), 0700) != 0) {
        throw Failure(Status::failed,
                      "cannot make \"" + folder.string() + "\": " + std::generic_category().message(errno));
    }
}

} // namespace

void make_p11_kit_config(const fs::path& folder, const P11KitRequest& request) {
    const fs::path modules = folder / "pkcs11" / "modules";
    for (const auto& made : {folder, folder / "pkcs11", modules}) {
        make_folder(made);
    }
    const std::string file = request.name + ".module";
    if (const auto own = users_own(); !own.empty()) {
        link_entries(own, folder, {"pkcs11"});
        link_entries(own / "pkcs11", folder / "pkcs11", {"modules"});
        link_entries(own / "pkcs11" / "modules", modules, {file});
    }
    std::string text = "module: " + request.module.string() + "\n";
    if (request.init_arguments) {
        text += "x-init-reserved: " + *request.init_arguments + "\n";
    }
    write_private_file(modules / file, text);
}

} // namespace softhsm_fixtures::command
