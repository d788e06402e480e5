// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/softhsm_config_internal.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/private_file_internal.hpp>

#include <cerrno>
#include <string>
#include <sys/stat.h>
#include <system_error>

namespace softhsm_fixtures::internal {

void make_softhsm_config(const std::filesystem::path& config, const std::filesystem::path& tokens) {
    const std::string folder = tokens.string();
    if (folder.find_first_of("#=\n\r") != std::string::npos) {
        throw FixtureError("SoftHSM cannot read the path \"" + folder +
                           "\" from its configuration; set TMPDIR to one without # and =");
    }
    if (::mkdir(folder.c_str(), 0700) != 0) {
        throw FixtureError("cannot make \"" + folder + "\": " + std::generic_category().message(errno));
    }
    // Without reset_on_fork a child would go on with its parent's sessions and login.
    write_private_file(config, "directories.tokendir = " + folder + "\n" +
                                   "objectstore.backend = file\n"
                                   "log.level = ERROR\n"
                                   "slots.removable = false\n"
                                   "library.reset_on_fork = true\n");
}

} // namespace softhsm_fixtures::internal
