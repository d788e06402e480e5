// SPDX-License-Identifier: BSD-2-Clause
#include "new_key.hpp"

#include "../json_output.hpp"
#include "../terminal.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/store_checker.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace keyway::cli {

namespace {

/// Takes back a key that was made a moment ago.
void remove_again(Session& session, const KeyRef& ref) {
    auto* const remover = dynamic_cast<KeyRemover*>(&session.backend(ref.backend()));
    try {
        if(remover != nullptr) {
            remover->remove(ref, session.options_for_use(ref.backend()));
            return;
        }
    } catch(const std::exception&) {
        // told below
    }
    throw Error(Errc::storage_failed,
                "the key was made but not handed out, and it could not be removed again",
                "its reference is " + ref.to_string())
        .in_backend(ref.backend().str());
}

}  // namespace

std::optional<OutputFile> reference_file(const Arguments& arguments) {
    if(!arguments.has("out") || arguments.value("out") == "-") {
        return std::nullopt;
    }
    return OutputFile(arguments);
}

void report_dry_run(Session& session, const NewKey& key, std::string_view verb,
                    const std::optional<BackendAlias>& from) {
    const auto& backend = session.backend(key.backend);
    if(!key.options.has("label")) {
        throw Error(Errc::invalid_option,
                    "backend " + in_quotes(key.backend.str()) + " wants a label for a new key",
                    "give one: --label NAME");
    }
    const auto label = key.options.text("label").value_or("");
    const auto in_backend = " in backend " + in_quotes(key.backend.str());
    // Nobody is asked for a passphrase by a dry run.
    const bool all_there = session.look_at_secrets(key.backend, key.options);
    if(const auto* const checker = dynamic_cast<const NewKeyChecker*>(&backend); checker != nullptr && all_there) {
        if(const auto refused = checker->check_new(key.spec, key.phase, key.options)) {
            throw Error(*refused);
        }
    }
    if(!backend.capabilities().offers(key.spec)) {
        throw Error(Errc::unsupported,
                    "no key of type " + in_quotes(key.spec.to_string()) + " can be kept" + in_backend);
    }
    const auto keys = list_keys(backend, session.options_for_use(key.backend)).keys;
    if(std::ranges::find(keys, label, &KeyInfo::label) != keys.end()) {
        throw Error(Errc::already_exists, "there is a key " + in_quotes(label) + in_backend + " already",
                    "choose another label");
    }
    Json json{{"dry-run", true}, {"backend", key.backend.str()}, {"type", key.spec.to_string()}, {"label", label}};
    std::string where = in_backend;
    if(from) {
        json["from"] = from->str();
        where = " from backend " + in_quotes(from->str()) + " to backend " + in_quotes(key.backend.str());
    }
    session.report(json, "would " + std::string(verb) + " key " + in_quotes(label) + " (" + key.spec.to_string() + ")" +
                             where + "\n");
}

CreatedKey make_recorded(Session& session, const NewKey& key, const std::string& operation,
                         const std::function<CreatedKey()>& make) {
    return session.audited(
        {.operation = operation, .backend = key.backend.str(), .label = key.options.text("label").value_or("")},
        [&](AuditEntry& entry) {
            auto made = make();
            entry.ref = made.ref;
            entry.backend = made.ref.backend().str();
            return made;
        },
        [&](const AuditEntry& entry, const Error&) { remove_again(session, *entry.ref); });
}

void hand_out(Session& session, const NewKey& key, const CreatedKey& made, const std::optional<OutputFile>& file) {
    const auto& ref = made.ref;
    const auto line = ref.to_string() + "\n";
    const auto label = key.options.text("label").value_or("");
    if(file) {
        try {
            file->write(line);
        } catch(const Error&) {
            remove_again(session, ref);
            throw;
        }
    }
    report_reference(session, label, ref, file, made.fallback ? made.fallback->because.message() : "");
}

void report_reference(Session& session, const std::string& label, const KeyRef& ref,
                      const std::optional<OutputFile>& file, const std::string& because) {
    const auto line = ref.to_string() + "\n";
    auto json = json_of(ref);
    if(ref.fallback_from() && !because.empty()) {
        json["fallback"]["because"] = because;
    }
    json["label"] = label;
    json["out"] = file ? Json(file->name()) : Json();
    std::string text;
    if(output_is_terminal()) {
        text = facts({{"label", label},
                      {"type", ref.key().to_string()},
                      {"backend", ref.backend().str()},
                      {"in place of", ref.fallback_from() ? ref.fallback_from()->str() : ""},
                      {"SPKI SHA-256", ref.fingerprint().to_string()},
                      {"reference in", file ? file->name() : ""}}) +
               "\n";
    }
    session.report(json, text + line);
}

}  // namespace keyway::cli
