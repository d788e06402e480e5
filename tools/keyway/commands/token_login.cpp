// SPDX-License-Identifier: BSD-2-Clause
#include "../session.hpp"
#include "commands.hpp"
#include "token_output.hpp"
#include "token_place.hpp"

#include <keyway/core/error.hpp>
#include <keyway/pkcs11/token_admin.hpp>

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

void run(Session& session, const Arguments& arguments) {
    const auto place = token_place(session, arguments, "prompt:");
    // The PIN in the settings may be the wrong one itself: a person shows another by giving it.
    const auto usual = place.is_pin_of_settings ? pkcs11::LastTry::as_a_program : pkcs11::LastTry::refuse;
    const auto token = pkcs11::log_in_once(place.module, place.token, place.pin,
                                           arguments.has("last-try") ? pkcs11::LastTry::risk : usual, place.user_name);
    session.report(json_of(token, place.module.value),
                   "the user PIN of token " + in_quotes(token.label) + " is right; the token is " + state_of(token) + "\n");
}

std::vector<Flag> flags() {
    auto all = token_place_flags();
    all.insert(all.end(), {{.name = "user-pin", .value = "SOURCE", .help = "the source of the user PIN (default: that of the backend, or prompt:)"},
                           {.name = "last-try",
                            .takes = Takes::nothing,
                            .help = "try it although a wrong PIN would lock the token"}});
    return all;
}

}  // namespace

Command token_login_command() {
    return {.noun = "token",
            .verb = "login",
            .summary = "log in once, to show that the user PIN is right",
            .flags = flags(),
            .details = "After a wrong PIN, Keyway does not log in unattended any more, so that no service that is started "
                       "again and again locks the token. This command does with --user-pin, by which a person shows another one; "
                       "when it is right, the token forgets the wrong one, and services work again.",
            .example = "keyway token login --backend hsm",
            .run = run};
}

}  // namespace keyway::cli
