// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../output_file.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "../wrapping_keys.hpp"
#include "certificate_keeping.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "new_key.hpp"
#include "removal.hpp"

#include <keyway/core/error.hpp>
#include <keyway/core/file_io.hpp>
#include <keyway/key/key_migration.hpp>

#include <botan/x509cert.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <vector>

namespace keyway::cli {

namespace {

/// Where the key goes: ALIAS:LABEL.
struct Destination {
    BackendAlias backend;
    std::string label;
};

Destination destination(const Session& session, const std::string& text) {
    if(text.find(':') == std::string::npos) {
        throw Error(Errc::usage, "the second argument, " + in_quotes(text) + ", names no backend",
                    "give ALIAS:LABEL, the backend and the new key's label; backends: " +
                        aliases_in(session.configuration().settings));
    }
    const auto named = session.named_key(text);
    const auto* const label = std::get_if<std::string>(&named.key);
    if(label == nullptr) {
        throw Error(Errc::usage, "the second argument names a key that is there; it wants a place for one",
                    "give ALIAS:LABEL: the backend and the new key's label");
    }
    return {named.backend, *label};
}

/// Both keys have to sign to prove the move.
void require_signing(const OptionValues& store) {
    const auto usage = store.text("usage");
    if(!usage) {
        return;
    }
    std::istringstream words(*usage);
    for(std::string word; std::getline(words, word, ',');) {
        if(word == "sign") {
            return;
        }
    }
    throw Error(Errc::unsupported, "a key of usage " + in_quotes(*usage) + " could not sign, and so not be proven to be the old one",
                "add sign to the usage, or import the key with `keyway key store`");
}

/// With the options for use only: where both backends are the same one, the others are for the new key.
KeyRef reference(Session& session, const NamedKey& named) {
    if(const auto* const ref = std::get_if<KeyRef>(&named.key)) {
        return *ref;
    }
    return key_with_label(session.backend(named.backend), session.options_for_use(named.backend), std::get<std::string>(named.key)).ref;
}

OptionValues use_options(const Session& session, const BackendAlias& alias, const BackendAlias& other) {
    return alias == other ? session.options_for_use(alias) : session.options(alias, Phase::use);
}

/// Named by the key and the time, and numbered where the same key was moved in the same second.
std::string usual_receipt(const Session& session, const KeyRef& ref) {
    auto time = to_iso_8601(session.now());
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    const auto name = "migration-" + ref.fingerprint().to_string().substr(0, 16) + "-" + time;
    auto file = name + ".json";
    for(int n = 2; std::filesystem::exists(std::filesystem::symlink_status(file)); ++n) {
        file = name + "-" + std::to_string(n) + ".json";
    }
    return file;
}

/// The file of --receipt, or one that is not there yet.
OutputFile receipt_file(const Session& session, const Arguments& arguments, const KeyRef& ref) {
    const auto usual = usual_receipt(session, ref);
    if(arguments.value("receipt") == "-") {
        throw Error(Errc::usage, "the receipt goes to a file: standard output has the new key's reference",
                    "name a file with --receipt; with --json the receipt is printed, too");
    }
    try {
        return OutputFile(session, Arguments({{"out", {arguments.value("receipt").value_or(usual)}}}, std::nullopt));
    } catch(const Error& error) {
        throw error.code() == Errc::already_exists
            ? Error(error.code(), error.message(), "choose another name with --receipt; no receipt is ever replaced")
            : error;
    }
}

/// The move is done and proven, and stays: what cannot be written is told with the reference.
void write_reference(const OutputFile& file, const KeyRef& ref, const std::string& receipt) {
    try {
        file.write(ref.to_string() + "\n");
    } catch(const Error& error) {
        throw Error(error.code(), "the key was moved, but its reference was not written: " + error.message(),
                    "it is " + ref.to_string() + "; the receipt is in " + in_quotes(receipt));
    }
}

/// The move is done, and only the removal failed: with everything that is needed to go on.
Error not_removed(const Error& error, const KeyMigration& migration, const MigrationReceipt& made, const std::string& file) {
    const auto alias = migration.from.alias().str();
    return Error(error.code(),
                 "the key was moved, but the old one could not be removed, or not all of it, from backend " + in_quotes(alias) + ": " + error.message(),
                 "the new key is " + made.to.to_string() + "; the receipt is in " + in_quotes(file) +
                     "; remove the old key with: keyway key remove '" + made.from.to_string() + "'")
        .with_return_value(error.return_value())
        .in_backend(alias);
}

/// What goes when the old key is removed, for messages.
std::string old_key(const BackendAlias& alias, const std::vector<Botan::X509_Certificate>& certificates) {
    const auto with = told(certificates);
    return "the old key in backend " + in_quotes(alias.str()) + (with.empty() ? "" : ", and " + with);
}

/// @param certificates that go with the old key
/// @return whether it was removed
bool remove_source(Session& session, const KeyMigration& migration, const MigrationReceipt& made, const Arguments& arguments,
                   const std::string& file, const std::vector<Botan::X509_Certificate>& certificates) {
    if(!arguments.has("yes") &&
       !confirm("the new key is proven. remove " + old_key(migration.from.alias(), certificates) + "? it cannot be brought back")) {
        return false;
    }
    remove_recorded(
        session, {.operation = "remove", .backend = migration.ref.backend().str(), .ref = migration.ref},
        [&] {
            try {
                // That it can remove keys was seen before the move.
                dynamic_cast<KeyRemover&>(migration.from).remove(migration.ref, migration.use);
            } catch(const Error& error) {
                throw not_removed(error, migration, made, file);
            }
        },
        "the new key is " + made.to.to_string() + "; the receipt is in " + in_quotes(file));
    return true;
}

MigrationReceipt migrate(Session& session, const KeyMigration& migration, const std::string& label, const OutputFile& file) {
    return session.audited(
        {.operation = "migrate", .backend = migration.from.alias().str(), .label = label, .ref = migration.ref}, [&](AuditEntry& entry) {
            return migrate_key(migration, [&] { return session.now(); }, [&](const MigrationReceipt& made) {
                file.write(made.to_json());
                entry.object = made.to.to_string();
                try {
                    session.record(entry);
                } catch(const Error&) {
                    remove_file(file.name());
                    throw;
                }
            });
        });
}

/// A key that is to be moved, as far as it can be told before that it can be.
struct Source {
    KeyMigration migration;
    std::string label;
    MigrationWay way = MigrationWay::import;
    std::vector<Botan::X509_Certificate> certificates{};  ///< that go with it, where it is to be removed
};

/// An option for a new key is not one of the old key's backend, to which it may have gone.
Error with_place_of_new_options(const Error& error, const Session& session, const Destination& to) {
    if(error.code() != Errc::invalid_option) {
        return error;
    }
    return {error.code(), error.message(),
            error.hint() + (error.hint().empty() ? "" : "; ") + "what the new key is to be goes with the alias of its backend in front: --" +
                to.backend.str() + "-NAME; `keyway backend show " + session.configuration().settings.backend(to.backend).type +
                "` lists what it takes (store)"};
}

Source movable(Session& session, const NamedKey& from, const Destination& to, const Arguments& arguments, AuditEntry& entry) {
    const auto use = [&] {
        try {
            return use_options(session, from.backend, to.backend);
        } catch(const Error& error) {
            throw with_place_of_new_options(error, session, to);
        }
    }();
    const auto ref = reference(session, from);
    entry.ref = ref;
    Source source{.migration = {.from = session.backend(from.backend),
                                .ref = ref,
                                .use = use,
                                .to = session.backend(to.backend),
                                .store = session.options(to.backend, Phase::store),
                                .use_new = session.options_for_use(to.backend),
                                .through_memory = arguments.has("through-memory")},
                  .label = label_asked_for(from)};
    auto& backend = source.migration.from;
    if(arguments.has("remove-source") || (source.label.empty() && arguments.has("dry-run"))) {
        source.label = key_of_reference(backend, session.options_for_use(from.backend), ref).label;
    }
    if(arguments.has("remove-source")) {
        require_no_wrapping_key(session, {.backend = from.backend, .label = source.label, .ref = ref},
                                "move it without --remove-source, name the new one by \"wrapping-key\", then remove the old one");
        if(dynamic_cast<KeyRemover*>(&backend) == nullptr) {
            throw Error(Errc::unsupported, "the backend " + in_quotes(from.backend.str()) + " cannot remove keys",
                        "leave --remove-source out, and remove the old key by the means of its store");
        }
        source.certificates = certificates_beside(backend, ref, use, Beside::that_go_with_key);
    }
    if(ref.key().can_sign()) {
        require_signing(source.migration.store);
    }
    source.way = require_movable(source.migration);
    return source;
}

void report_dry_move(Session& session, const Source& source, const Destination& to, const Arguments& arguments) {
    const auto& ref = source.migration.ref;
    const auto& from = source.migration.from.alias();
    const bool removes = arguments.has("remove-source");
    if(removes) {
        require_changeable(session, from);
    }
    require_makeable(session, {to.backend, ref.key(), source.migration.store});
    session.report({{"dry-run", true},
                    {"backend", to.backend.str()},
                    {"type", ref.key().to_string()},
                    {"label", to.label},
                    {"from", from.str()},
                    {"from-label", source.label},
                    {"how", source.way == MigrationWay::wrapped ? "wrapped" : "import"},
                    {"source-removed", removes},
                    {"certificates-removed", json_of(source.certificates)}},
                   "would move key " + in_quotes(source.label) + " (" + ref.key().to_string() + ") from backend " + in_quotes(from.str()) +
                       " to backend " + in_quotes(to.backend.str()) + " as " + in_quotes(to.label) +
                       (removes ? "; then would remove " + old_key(from, source.certificates) : "") + "\n");
}

void run(Session& session, const Arguments& arguments) {
    const auto from = session.named_key(*arguments.positional());
    const auto to = destination(session, *arguments.second_positional());
    const bool dry_run = arguments.has("dry-run");
    if(arguments.has("remove-source") && !arguments.has("yes") && !dry_run && !can_ask()) {
        throw Error(Errc::usage, "the old key is removed for good, and there is no terminal to ask on", "say --yes");
    }
    session.work_with({from.backend, to.backend});
    session.choose_label(to.backend, to.label);
    const auto source = session.audited_failure(
        {.operation = "migrate", .backend = from.backend.str(), .label = label_asked_for(from)},
        [&](AuditEntry& entry) { return movable(session, from, to, arguments, entry); });
    const auto& migration = source.migration;
    const auto reference_out = reference_file(session, arguments);
    const auto file = receipt_file(session, arguments, migration.ref);
    if(reference_out && std::filesystem::absolute(reference_out->name()).lexically_normal() ==
                            std::filesystem::absolute(file.name()).lexically_normal()) {
        throw Error(Errc::usage, "--out and --receipt name the same file " + in_quotes(file.name()), "name two");
    }
    if(dry_run) {
        report_dry_move(session, source, to, arguments);
        return;
    }
    session.expect_new_key(to.backend);
    const auto receipt = migrate(session, migration, label_asked_for(from), file);
    if(reference_out) {
        write_reference(*reference_out, receipt.to, file.name());
    }
    const bool removed = arguments.has("remove-source") &&
                         remove_source(session, migration, receipt, arguments, file.name(), source.certificates);
    if(removed && !source.certificates.empty() && !session.json()) {
        session.warn("removed " + old_key(from.backend, source.certificates));  // standard output is for the reference
    }
    auto json = json_of(receipt.to);
    json["label"] = to.label;
    json["receipt"] = Json::parse(receipt.to_json());
    json["receipt-file"] = file.name();
    json["out"] = reference_out ? Json(reference_out->name()) : Json();
    json["source-removed"] = removed;
    json["certificates-removed"] = removed ? json_of(source.certificates) : Json::array();
    std::string text;
    if(output_is_terminal()) {
        text = facts({{"label", to.label},
                      {"backend", to.backend.str()},
                      {"SPKI SHA-256", receipt.to.fingerprint().to_string()},
                      {"receipt in", file.name()},
                      {"old key", removed ? "removed" : "still in backend " + from.backend.str()}}) +
               "\n";
    }
    tell_done("the key was moved", receipt.to, [&] { session.report(json, text + receipt.to.to_string() + "\n"); });
}

}  // namespace

Command key_migrate_command() {
    auto out = OutputFile::out_flag("also write the new key's reference to this file");
    out.required = false;
    return {.noun = "key",
            .verb = "migrate",
            .summary = "move a key to another backend, with proof that it is the same one",
            .flags = {{.name = "receipt",
                       .value = "FILE",
                       .help = "where the receipt goes (default: migration-KEY-TIME.json in the current folder)"},
                      out,
                      OutputFile::force_flag(),
                      {.name = "remove-source",
                       .takes = Takes::nothing,
                       .help = "remove the old key in the end, after asking; without it, both stay"},
                      {.name = "through-memory",
                       .takes = Takes::nothing,
                       .help = "where a token cannot pass the key on to the other one encrypted, let it come through this process's memory; to a file or a "
                               "database it comes so anyway"},
                      {.name = "yes", .takes = Takes::nothing, .help = "do not ask; needed where there is no terminal"},
                      dry_run_flag()},
            .positional = Positional{.name = "FROM", .help = "the key: keyway:1?..., a file that holds that, or ALIAS:LABEL"},
            .second_positional = Positional{.name = "TO", .help = "the backend and the label it gets there: ALIAS:LABEL"},
            .backend_phase = Phase::store,
            .details = "The key is stored in the new place and opened there, both keys sign the same fresh statement (X25519 and X448 keys "
                       "agree on a secret), and the receipt holds both signatures. Whatever fails, the new key is removed again, and the old one is "
                       "untouched. From token to token an extractable key goes encrypted, and is never in clear outside; into a file or a "
                       "database it comes through this process's memory. The reference of the new key is printed. Certificates beside the "
                       "old key in a token go with it under --remove-source, which is said. Also takes the flags for using the old key.",
            .example = "keyway key migrate file:ca-2026 hsm:ca-2026 --hsm-user-pin env:HSM_PIN",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
