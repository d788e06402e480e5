// SPDX-License-Identifier: BSD-2-Clause
#include "new_key.hpp"

#include "../json_output.hpp"
#include "../terminal.hpp"

#include <keyway/core/error.hpp>

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

bool is_prompt(const OptionValues::Entry& entry) {
    const auto* const source = std::get_if<SecretSource>(&entry.value);
    return source != nullptr && source->kind() == SecretSource::Kind::prompt;
}

/// Whether a person typed the secret: with a slip of the finger in it, nobody could open the key again.
bool was_prompted(const Session& session, const NewKey& key) {
    const auto& settings = session.configuration().settings.backend(key.backend).options;
    return std::ranges::any_of(key.options.entries(), [](const auto& entry) { return is_prompt(entry.second); }) ||
           std::ranges::any_of(settings, [](const auto& option) { return option.second.value.starts_with("prompt:"); });
}

/// Opens the new key with the secret asked for again, where the backend needs it again.
void prove(Session& session, const KeyRef& ref) {
    if(const auto error = session.backend(ref.backend()).check(ref, session.options_for_use(ref.backend()))) {
        remove_again(session, ref);
        throw Error(*error);
    }
}

}  // namespace

std::optional<OutputFile> reference_file(const Arguments& arguments) {
    if(!arguments.has("out") || arguments.value("out") == "-") {
        return std::nullopt;
    }
    return OutputFile(arguments);
}

void report_dry_run(Session& session, const NewKey& key, std::string_view verb) {
    const auto& backend = session.backend(key.backend);
    const auto label = key.options.text("label").value_or("");
    const auto in_backend = " in backend " + in_quotes(key.backend.str());
    if(!backend.capabilities().offers(key.spec)) {
        throw Error(Errc::unsupported, "no key of type " + in_quotes(key.spec.to_string()) + " can be kept" + in_backend);
    }
    const auto keys = list_keys(backend, session.options_for_use(key.backend));
    if(std::ranges::find(keys, label, &KeyInfo::label) != keys.end()) {
        throw Error(Errc::already_exists, "there is a key " + in_quotes(label) + in_backend + " already",
                    "choose another label");
    }
    session.report(Json{{"dry-run", true},
                        {"backend", key.backend.str()},
                        {"type", key.spec.to_string()},
                        {"label", label}},
                   "would " + std::string(verb) + " key " + in_quotes(label) + " (" + key.spec.to_string() + ")" +
                       in_backend + "\n");
}

void hand_out(Session& session, const NewKey& key, const KeyRef& ref, const std::optional<OutputFile>& file) {
    const auto line = ref.to_string() + "\n";
    const auto label = key.options.text("label").value_or("");
    if(was_prompted(session, key)) {
        prove(session, ref);
    }
    if(file) {
        try {
            file->write(line);
        } catch(const Error&) {
            remove_again(session, ref);
            throw;
        }
    }
    auto json = json_of(ref);
    json["label"] = label;
    json["out"] = file ? Json(file->name()) : Json();
    std::string text;
    if(output_is_terminal()) {
        text = facts({{"label", label},
                      {"type", ref.key().to_string()},
                      {"backend", ref.backend().str()},
                      {"SPKI SHA-256", ref.fingerprint().to_string()},
                      {"reference in", file ? file->name() : ""}}) +
               "\n";
    }
    session.report(json, text + line);
}

}  // namespace keyway::cli
