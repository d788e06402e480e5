// SPDX-License-Identifier: BSD-2-Clause
#include "new_key.hpp"

#include "../json_output.hpp"
#include "../terminal.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/paged_key_lister.hpp>
#include <keyway/key/store_checker.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>

namespace keyway::cli {

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

namespace {

bool is_empty(const KeyBackend& backend, const OptionValues& options) {
    struct Enough {};
    try {
        list_pages(backend, options, [](const KeyListing& page) {
            if(!page.keys.empty()) {
                throw Enough();
            }
        });
        return true;
    } catch(const Enough&) {
        return false;
    }
}

/// Whether the store takes a key; one that is made with its first key is looked for where it would be.
void require_writable(const Session& session, const KeyBackend& backend, const BackendAlias& alias) {
    const auto& options = session.configuration().settings.backend(alias).options;
    const auto path = options.find("path");
    std::error_code ignored;
    if(path == options.end() ? !is_empty(backend, session.options_for_use(alias)) : std::filesystem::exists(path->second.value, ignored)) {
        const auto* const checker = dynamic_cast<const StoreChecker*>(&backend);
        if(const auto fault = checker == nullptr ? std::nullopt : checker->check_writable(session.options_for_use(alias))) {
            throw Error(*fault);
        }
        return;
    }
    if(path == options.end()) {
        return;
    }
    auto store = std::filesystem::absolute(path->second.value).lexically_normal();
    if(!store.has_filename()) {
        store = store.parent_path();  // keys/
    }
    const auto folder = store.parent_path();
    if(::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
        throw Error(Errc::storage_failed,
                    "cannot make " + in_quotes(path->second.value) + ": " + std::generic_category().message(errno),
                    "check that its folder is there and writable")
            .in_backend(alias.str());
    }
}

}  // namespace

void require_label(const Session& session, const NewKey& key) {
    const auto& type = session.types().type(session.configuration().settings.backend(key.backend).type);
    const auto* const label = type.options->find("label");
    if(label != nullptr && label->phases.contains(key.phase) && !key.options.has("label")) {
        throw Error(Errc::usage, "--label is missing: the new key's name", "give it: --label NAME");
    }
}

std::optional<OutputFile> reference_file(const Session& session, const Arguments& arguments) {
    if(!arguments.has("out") || arguments.value("out") == "-") {
        return std::nullopt;
    }
    return OutputFile(session, arguments);
}

void require_makeable(Session& session, const NewKey& key) {
    const auto& backend = session.backend(key.backend);
    const auto label = key.options.text("label").value_or("");
    const auto in_backend = " in backend " + in_quotes(key.backend.str());
    // Nobody is asked for a passphrase by a dry run.
    const bool all_there = session.look_at_secrets(key.backend, key.options);
    if(const auto* const checker = dynamic_cast<const NewKeyChecker*>(&backend); checker != nullptr && all_there) {
        if(const auto refused = checker->check_new(key.spec, key.phase, key.options)) {
            throw Error(*refused);
        }
    }
    const auto& offered = backend.capabilities();
    if(key.phase == Phase::create ? !offered.offers(key.spec) : !offered.offers_import(key.spec)) {
        throw Error(Errc::unsupported,
                    "no key of type " + in_quotes(key.spec.to_string()) + " can be kept" + in_backend);
    }
    require_writable(session, backend, key.backend);
    if(!keys_with_label(backend, session.options_for_use(key.backend), label).keys.empty()) {
        throw Error(Errc::already_exists, "there is a key " + in_quotes(label) + in_backend + " already",
                    "choose another label");
    }
}

void report_dry_run(Session& session, const NewKey& key, std::string_view verb) {
    require_makeable(session, key);
    const auto label = key.options.text("label").value_or("");
    std::string where = " in backend " + in_quotes(key.backend.str());
    Json json{{"dry-run", true}, {"backend", key.backend.str()}, {"type", key.spec.to_string()}, {"label", label}};
    if(key.in_place_of) {
        json["fallback"] = {{"from", key.in_place_of->str()}, {"to", key.backend.str()}};
        where += ", in place of " + in_quotes(key.in_place_of->str());
    }
    session.report(json, "would " + std::string(verb) + " key " + in_quotes(label) + " (" + key.spec.to_string() + ")" + where + "\n");
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

namespace {

/// That it was made is in the record, and so has to be that it is gone.
/// @param why it is not handed out
void take_back(Session& session, const KeyRef& ref, const Error& why) {
    static_cast<void>(session.audited(
        {.operation = "remove", .backend = ref.backend().str(), .ref = ref},
        [&](const AuditEntry&) {
            remove_again(session, ref);
            return true;
        },
        [&](const AuditEntry&, const Error& error) {
            throw Error(why.code(), why.message() + "; the key was removed again, but that was not recorded: " + error.message(),
                        why.hint());
        }));
}

}  // namespace

void hand_out(Session& session, const NewKey& key, const CreatedKey& made, const std::optional<OutputFile>& file) {
    const auto& ref = made.ref;
    const auto line = ref.to_string() + "\n";
    const auto label = key.options.text("label").value_or("");
    if(file) {
        try {
            file->write(line);
        } catch(const Error& error) {
            take_back(session, ref, error);
            throw;
        }
    }
    tell_done("the key was made", ref, [&] {
        report_reference(session, label, ref, file, made.fallback ? made.fallback->because.message() : "");
    });
}

void tell_done(const std::string& what, const KeyRef& ref, const std::function<void()>& tell) {
    try {
        tell();
    } catch(const Error& error) {
        throw Error(error.code(), what + ", but telling so failed: " + error.message(), "its reference is " + ref.to_string())
            .in_backend(ref.backend().str());
    }
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
