// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../wrapping_keys.hpp"
#include "certificate_keeping.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "new_key.hpp"
#include "removal.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/paged_key_lister.hpp>

#include <botan/x509cert.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace keyway::cli {

namespace {

/// What is to be removed, as far as can be told: a key pair, or an AES key.
struct Found {
    OptionValues options;  ///< of phase use
    std::string what;      ///< for people: `key "root" (p-256) from backend "hsm"`
    Json json;
    AuditEntry entry;
    std::optional<KeyInfo> pair{};
    std::optional<WrappingKeyInfo> secret{};
};

/// The AES key that is meant, where it is one: a label names it alone, and --id which of several.
std::optional<WrappingKeyInfo> wrapping_key(const KeyBackend& backend, const OptionValues& options, const NamedKey& named,
                                            const std::optional<std::string>& id) {
    const auto* const label = std::get_if<std::string>(&named.key);
    if(label == nullptr) {
        if(id) {
            throw Error(Errc::usage, "--id is for an AES key, which has no reference", "name the key ALIAS:LABEL, or leave --id out");
        }
        return std::nullopt;
    }
    auto found = wrapping_keys_with_label(backend, options, *label);
    const bool is_there = !found.empty();
    const auto what = in_quotes(*label) + " in backend " + in_quotes(named.backend.str());
    std::string ids;
    for(const auto& key : found) {
        ids += (ids.empty() ? "" : ", ") + in_quotes(key.id);
    }
    if(id) {
        std::erase_if(found, [&](const WrappingKeyInfo& key) { return key.id != *id; });
    }
    if(found.empty()) {
        if(id) {
            throw Error(Errc::key_not_found, "there is no AES key " + what + " with id " + in_quotes(*id),
                        is_there ? "there are: " + ids : "`keyway key list` shows those that are there");
        }
        return std::nullopt;
    }
    if(found.size() > 1) {
        throw Error(Errc::key_ambiguous, "there are " + std::to_string(found.size()) + " AES keys " + what, "give --id, one of: " + ids);
    }
    if(!id) {
        if(const auto pairs = keys_with_label(backend, options, *label).keys; !pairs.empty()) {
            throw Error(Errc::key_ambiguous, "there are an AES key and a key pair " + what,
                        "give --id " + ids + " for the AES key; name the key pair by its reference, " + pairs.front().ref.to_string());
        }
    }
    return found.front();
}

/// @param entry has what is known of the key so far, for the record of a failure
Found found_key(Session& session, const NamedKey& named, const Arguments& arguments, AuditEntry& entry) {
    auto& backend = session.backend(named.backend);
    if(dynamic_cast<KeyRemover*>(&backend) == nullptr) {
        throw Error(Errc::unsupported, "the backend " + in_quotes(named.backend.str()) + " cannot remove keys");
    }
    auto options = session.options(named.backend, Phase::use);
    std::string lost;
    const auto guard = [&](const EndangeredKey& key) {
        if(!arguments.has("force")) {
            require_no_wrapping_key(session, key, "put them under another key first with `keyway key rewrap`, or say --force");
            return;
        }
        try {
            for(const auto& alias : opened_by(session, key)) {
                lost += ", and with it all keys of " + in_quotes(alias) + ", which are under it";
            }
        } catch(const Error& error) {
            lost = "; " + error.message();
        }
    };
    const auto from = " from backend " + in_quotes(named.backend.str());
    if(auto secret = wrapping_key(backend, options, named, arguments.value("id"))) {
        guard({.backend = named.backend, .label = secret->label});
        return {.options = std::move(options),
                .what = "AES key " + in_quotes(secret->label) + " (" + secret->type + ")" + from + lost,
                .json = json_of(named.backend, *secret),
                .entry = entry,
                .secret = secret};
    }
    const auto ref = session.reference(named);
    entry.ref = ref;
    auto key = key_of_reference(backend, options, ref);
    guard({.backend = named.backend, .label = key.label, .ref = ref});
    const auto certificates = certificates_beside(backend, ref, options, Beside::that_go_with_key);
    const auto with = told(certificates);
    auto json = json_of(key);
    json["certificates-removed"] = json_of(certificates);
    return {.options = std::move(options),
            .what = "key " + in_quotes(key.label) + " (" + ref.key().to_string() + ")" + from + (with.empty() ? "" : ", and " + with) + lost,
            .json = std::move(json),
            .entry = entry,
            .pair = std::move(key)};
}

void run(Session& session, const Arguments& arguments) {
    const auto named = session.named_key(*arguments.positional());
    session.work_with({named.backend});
    if(!arguments.has("yes") && !arguments.has("dry-run") && !can_ask()) {
        throw Error(Errc::usage, "a key is removed for good, and there is no terminal to ask on",
                    "say --yes");
    }
    const AuditEntry asked{.operation = "remove", .backend = named.backend.str(), .label = label_asked_for(named)};
    auto found = session.audited_failure(asked, [&](AuditEntry& entry) { return found_key(session, named, arguments, entry); });
    auto& backend = session.backend(named.backend);
    if(arguments.has("dry-run")) {
        require_changeable(session, named.backend);
        found.json["dry-run"] = true;
        session.report(found.json, "would remove " + found.what + "\n");
        return;
    }
    if(!arguments.has("yes") && !confirm("remove " + found.what + "? it cannot be brought back")) {
        throw Error(Errc::usage, "not removed: the answer was not yes");
    }
    remove_recorded(session, found.entry, [&] {
        // Whether it can, was seen when the key was found.
        if(found.secret) {
            dynamic_cast<WrappingKeyStore&>(backend).remove_wrapping_key(*found.secret, found.options);
        } else {
            dynamic_cast<KeyRemover&>(backend).remove(found.pair->ref, found.options);
        }
    });
    found.json["removed"] = true;
    const auto tell = [&] { session.report(found.json, "removed " + found.what + "\n"); };
    if(found.pair) {
        tell_done("the key was removed", found.pair->ref, tell);
    } else {
        tell();
    }
}

}  // namespace

Command key_remove_command() {
    return {.noun = "key",
            .verb = "remove",
            .summary = "destroy a key",
            .flags = {{.name = "yes",
                       .takes = Takes::nothing,
                       .help = "do not ask; needed where there is no terminal"},
                      {.name = "force",
                       .takes = Takes::nothing,
                       .help = "also a key that the settings name as \"wrapping-key\" of a database, whose keys are then lost, or of which "
                               "that cannot be told"},
                      {.name = "id",
                       .value = "HEX",
                       .help = "an AES key of this id, where its label is not its alone; key list shows it"},
                      dry_run_flag()},
            .positional = reference_positional(),
            .backend_phase = Phase::use,
            .details = "Certificates that stand beside the key in a token go with it: which ones is said, by --dry-run before. An AES key "
                       "that wraps the keys of a database is named ALIAS:LABEL.",
            .example = "keyway key remove file:old --yes",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
