// SPDX-License-Identifier: BSD-2-Clause
#include "../session.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "token_output.hpp"
#include "token_place.hpp"

#include <keyway/core/error.hpp>
#include <keyway/pkcs11/token_admin.hpp>

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

void run(Session& session, const Arguments& arguments) {
    const pkcs11::ModuleName module{arguments.required("module"), arguments.value("init-args").value_or("")};
    const auto label = arguments.required("label");
    const pkcs11::NewToken wanted{
        .label = label,
        .serial = arguments.value("serial"),
        .so_pin =
            [&] {
                return session.secret("so-pin", "new security officer's PIN of " + in_quotes(label),
                                      Asking::twice);
            },
        .user_pin =
            [&] { return session.secret("user-pin", "new user PIN of " + in_quotes(label), Asking::twice); }};
    if(arguments.has("dry-run")) {
        static_cast<void>(pkcs11::find_empty_token(module, wanted));
        session.report({{"dry-run", true}, {"label", label}, {"module", module.value}},
                       "would initialise a token with label " + in_quotes(label) + "\n");
        return;
    }
    const auto token = pkcs11::init_token(module, wanted);
    session.report(json_of(token, module.value),
                   "initialised token " + in_quotes(token.label) + "\n" + token.uri().to_string() + "\n");
}

}  // namespace

Command token_init_command() {
    return {.noun = "token",
            .verb = "init",
            .summary = "initialise an empty token and set its PINs",
            .flags = {required({.name = "module",
                                .value = "PATH",
                                .help = "the module's library, or its name in p11-kit's configuration"}),
                      init_args_flag(),
                      required(
                          {.name = "label", .value = "TEXT", .help = "the new token's label, 1 to 32 bytes"}),
                      required({.name = "so-pin",
                                .value = "SOURCE",
                                .help = "the source of the security officer's PIN"}),
                      required({.name = "user-pin", .value = "SOURCE", .help = "the source of the user PIN"}),
                      {.name = "serial", .value = "TEXT", .help = "which empty token (default: the first)"},
                      {.name = "dry-run", .takes = Takes::nothing, .help = "look whether it can be done, and change nothing"}},
            .details = "A token that holds anything is never touched.",
            .example = "keyway token init --module /usr/lib/softhsm/libsofthsm2.so --label ca \\\n"
                       "    --so-pin file:so.pin --user-pin prompt:",
            .run = run};
}

}  // namespace keyway::cli
