// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/folder_token_internal.hpp>
#include <softhsm_fixtures/kinds_token_internal.hpp>

namespace softhsm_fixtures::internal {

namespace {

/// Inside two kinds of brackets, each with an escape of its own, these could not be told from syntax.
void check_for_syntax(std::string_view what, const std::string& text) {
    if (text.find_first_of("'\"\\<>[]=\n\r") != std::string::npos) {
        throw InvalidOption("NSS cannot read the " + std::string(what) + " \"" + text +
                            "\" from its parameters; use one without quotes, brackets, = and \\");
    }
}

class NssToken final : public FolderToken {
public:
    NssToken(const ModuleInfo& module, const TokenOptions& options) : FolderToken(module, options) {
        const auto database = directory() / "nssdb";
        make_private_folder(database);
        check_for_syntax("label", details().label);
        check_for_syntax("path", database.string());
        // The security officer can log in before the user's PIN is set, with no PIN, and never again.
        editable_details().so_pin.clear();
        // One slot with one token; without "tokens" there would be a second one for session keys alone. Slots
        // 1 to 3 are for NSS's own tokens, 4 to 100 for those of a program.
        initialise("initialise",
                   "tokens=<0x4=[configDir='sql:" + database.string() + "' tokenDescription='" +
                       details().label + "']>",
                   {});
    }
};

} // namespace

std::unique_ptr<TestToken> make_nss_token(const ModuleInfo& module, const TokenOptions& options) {
    return std::make_unique<NssToken>(module, options);
}

} // namespace softhsm_fixtures::internal
