// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/folder_token_internal.hpp>
#include <softhsm_fixtures/kinds_token_internal.hpp>

namespace softhsm_fixtures::internal {

namespace {

class KryopticToken final : public FolderToken {
public:
    KryopticToken(const ModuleInfo& module, const TokenOptions& options) : FolderToken(module, options) {
        const std::string database = (directory() / "token.sql").string();
        if (database.find_first_of("'\n\r") != std::string::npos) {
            throw FixtureError("Kryoptic cannot read the path \"" + database +
                               "\" from its configuration; set TMPDIR to one without quotes");
        }
        const auto config = directory() / "kryoptic.conf";
        // A literal string of TOML, in which a backslash is itself.
        write_private_file(config, "[[slots]]\nslot = 0\ndbtype = 'sqlite'\ndbargs = '" + database + "'\n");
        initialise("initialise", {}, {{"KRYOPTIC_CONF", config.string()}});
    }
};

} // namespace

std::unique_ptr<TestToken> make_kryoptic_token(const ModuleInfo& module, const TokenOptions& options) {
    return std::make_unique<KryopticToken>(module, options);
}

} // namespace softhsm_fixtures::internal
