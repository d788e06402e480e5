// SPDX-License-Identifier: BSD-2-Clause
#include "../output_file.hpp"
#include "../session.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "quirks_output.hpp"
#include "token_place.hpp"

#include <keyway/core/error.hpp>
#include <keyway/pkcs11/quirks/probe.hpp>

#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

constexpr unsigned long most_sessions = 100'000;
constexpr unsigned long most_repeats = 100'000;

std::string plan_of(const pkcs11::ProbeOptions& options) {
    std::string text = "would log in, and time calls that change nothing\n";
    if(options.make_session_keys) {
        text += "would make key pairs of the session (RSA-2048, P-256, Ed25519), sign with them, copy one, and destroy them; "
                "nothing stays in the token\n";
    }
    if(options.key_label) {
        text += "would sign with the key " + in_quotes(*options.key_label) + " and with a session copy of it\n";
    }
    if(options.sessions > 0) {
        text += "would open up to " + std::to_string(options.sessions) + " sessions, and close them\n";
    }
    return text;
}

void run(Session& session, const Arguments& arguments) {
    const auto place = token_place(session, arguments);
    pkcs11::ProbeOptions options;
    options.pin = place.pin;
    options.user_name = place.user_name;
    options.make_session_keys = arguments.has("write");
    options.key_label = arguments.value("key");
    options.sessions = arguments.number("sessions", 1, most_sessions).value_or(0);
    options.repeats = arguments.number("repeat", 1, most_repeats).value_or(options.repeats);
    if(options.key_label && !options.make_session_keys) {
        throw Error(Errc::usage, "--key signs, and makes a copy of the key in the session", "allow that with --write");
    }
    const auto name = arguments.value("name").value_or("measured");
    const auto profile_of = [&](const pkcs11::ProbeReport& report) {
        auto profile = pkcs11::measured_profile(report, name, to_iso_8601(session.now()));
        // Only what the setting quirks would take is handed out.
        static_cast<void>(pkcs11::parse_quirks(profile, "the measured profile"));
        return profile;
    };
    static_cast<void>(profile_of({}));  // a name that is none is told before the work
    if(arguments.has("dry-run")) {
        static_cast<void>(pkcs11::select_token(pkcs11::list_tokens(place.module), place.token, place.module.value));
        session.report({{"dry-run", true},
                        {"write", options.make_session_keys},
                        {"key", options.key_label ? Json(*options.key_label) : Json()},
                        {"sessions", options.sessions}},
                       plan_of(options));
        return;
    }
    std::optional<OutputFile> file;
    if(arguments.has("out")) {
        file.emplace(session, arguments);
    }
    const auto probe = [&] { return pkcs11::probe_token(place.module, place.token, options); };
    // Without a key of the token, it signs with keys of its own that do not stay.
    const auto report = options.key_label
                            ? session.audited({.operation = "probe", .label = *options.key_label}, [&](AuditEntry&) { return probe(); })
                            : probe();
    const auto profile = profile_of(report);
    if(file) {
        file->write(profile);
        if(file->is_standard_output()) {
            return;
        }
    }
    session.report(Json::parse(profile), text_of(report));
}

std::vector<Flag> flags() {
    auto all = token_place_flags();
    auto out = OutputFile::out_flag("save what was found as a profile, for the setting quirks; - is standard output");
    out.required = false;
    all.insert(all.end(),
               {{.name = "user-pin",
                 .value = "SOURCE",
                 .help = "the source of the token's user PIN (default: that of the backend)"},
                {.name = "write",
                 .takes = Takes::nothing,
                 .help = "make key pairs of the session and sign with them; they are destroyed, and nothing stays"},
                {.name = "key",
                 .value = "LABEL",
                 .help = "sign with this private key of the token too, and with a session copy of it; with --write only"},
                {.name = "sessions", .value = "N", .help = "open so many sessions, or as many as the token takes"},
                {.name = "repeat", .value = "N", .help = "make each call that is timed so often (default: 20)"},
                {.name = "name", .value = "NAME", .help = "the name of the profile (default: measured)"},
                out, OutputFile::force_flag(),
                {.name = "dry-run", .takes = Takes::nothing, .help = "say what would be done, and do not log in"}});
    return all;
}

}  // namespace

Command token_probe_command() {
    return {.noun = "token",
            .verb = "probe",
            .summary = "measure how a token behaves, and save it as a profile",
            .flags = flags(),
            .details = "Without --write nothing is made, and how the token signs stays unknown. The token should not be in use "
                       "meanwhile: a limit of sessions is for all, and times are told as they are.",
            .example = "keyway token probe --module /usr/lib/softhsm/libsofthsm2.so --label ca \\\n"
                       "    --user-pin prompt: --write --out ca.quirks.json",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
