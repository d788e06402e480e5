// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../wrapping_keys.hpp"
#include "commands.hpp"
#include "common_flags.hpp"
#include "new_key.hpp"
#include "removal.hpp"

#include <keyway/core/error.hpp>

#include <nlohmann/json.hpp>

#include <optional>

namespace keyway::cli {

namespace {

constexpr auto guard_hint = "put them under another key first with `keyway key rewrap`, or say --force";

/// What is common to both kinds of keys once it is known which one is meant.
/// @param what for people: `key "root" (p-256) from backend "hsm"`
/// @param remove does it, and tells so
template <typename Remove>
void remove_unless_kept(Session& session, const Arguments& arguments, const EndangeredKey& key, const std::string& what, Json json,
                        const Remove& remove) {
    if(!arguments.has("force")) {
        require_no_wrapping_key(session, key, guard_hint);
    }
    if(arguments.has("dry-run")) {
        json["dry-run"] = true;
        session.report(json, "would remove " + what + "\n");
        return;
    }
    if(!arguments.has("yes") && !confirm("remove " + what + "? it cannot be brought back")) {
        throw Error(Errc::usage, "not removed: the answer was not yes");
    }
    json["removed"] = true;
    remove([&] { session.report(json, "removed " + what + "\n"); });
}

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

void remove_wrapping_key(Session& session, const Arguments& arguments, const BackendAlias& alias, const WrappingKeyInfo& key,
                         const OptionValues& options) {
    const auto what = "AES key " + in_quotes(key.label) + " (" + key.type + ") from backend " + in_quotes(alias.str());
    remove_unless_kept(session, arguments, {.backend = alias, .label = key.label}, what, json_of(alias, key), [&](const auto& tell) {
        remove_recorded(session, {.operation = "remove", .backend = alias.str(), .label = key.label}, [&] {
            // It was found there.
            dynamic_cast<WrappingKeyStore&>(session.backend(alias)).remove_wrapping_key(key, options);
        });
        tell();
    });
}

void run(Session& session, const Arguments& arguments) {
    const auto named = session.named_key(*arguments.positional());
    session.work_with({named.backend});
    if(!arguments.has("yes") && !arguments.has("dry-run") && !can_ask()) {
        throw Error(Errc::usage, "a key is removed for good, and there is no terminal to ask on",
                    "say --yes");
    }
    auto& backend = session.backend(named.backend);
    auto* const remover = dynamic_cast<KeyRemover*>(&backend);
    if(remover == nullptr) {
        throw Error(Errc::unsupported,
                    "the backend " + in_quotes(named.backend.str()) + " cannot remove keys");
    }
    const auto options = session.options(named.backend, Phase::use);
    if(const auto secret_key = wrapping_key(backend, options, named, arguments.value("id"))) {
        remove_wrapping_key(session, arguments, named.backend, *secret_key, options);
        return;
    }
    const auto ref = session.reference(named);
    const auto key = key_of_reference(backend, options, ref);
    const auto what = "key " + in_quotes(key.label) + " (" + ref.key().to_string() + ") from backend " +
                      in_quotes(ref.backend().str());
    remove_unless_kept(session, arguments, {.backend = named.backend, .label = key.label, .ref = ref}, what, json_of(key),
                       [&](const auto& tell) {
                           remove_recorded(session, {.operation = "remove", .backend = ref.backend().str(), .ref = ref},
                                           [&] { remover->remove(ref, options); });
                           tell_done("the key was removed", ref, tell);
                       });
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
            .details = "An AES key that wraps the keys of a database is named ALIAS:LABEL.",
            .example = "keyway key remove file:old --yes",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
