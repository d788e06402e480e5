// SPDX-License-Identifier: BSD-2-Clause
#include "../json_output.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "commands.hpp"
#include "common_flags.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/key_rewrapper.hpp>
#include <keyway/key/store_checker.hpp>

#include <chrono>
#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

std::string keys(std::uint64_t number) {
    return std::to_string(number) + (number == 1 ? " key" : " keys");
}

/// A line on the terminal that is written over, once the work has lasted for a second.
class ProgressLine {
public:
    ProgressLine() = default;
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine() {
        if(shown_) {
            print_error("\n");
        }
    }

    void show(const RewrapProgress& progress) {
        const auto now = std::chrono::steady_clock::now();
        const bool last = progress.done >= progress.total;
        if(now - start_ < std::chrono::seconds(1) ||
           (shown_ && !last && now - before_ < std::chrono::milliseconds(200))) {
            return;
        }
        before_ = now;
        shown_ = true;
        print_error("\rkeyway: " + std::to_string(progress.done) + " of " + keys(progress.total));
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point before_{};
    bool shown_ = false;
};

std::string what_opens_them(const RewrapRequest& request, const BackendSettings& settings) {
    if(request.new_passphrase) {
        return std::string("; from now on the new passphrase opens them: name its source in the settings") +
               (settings.options.contains("wrapping-key") ? ", and take \"wrapping-key\" out of them\n" : "\n");
    }
    if(request.new_wrapping_key) {
        return "; from now on the key " + in_quotes(request.new_wrapping_key->to_string()) +
               " opens them: name it by \"wrapping-key\" in the settings\n";
    }
    return "; what the settings name opens them\n";
}

void run(Session& session, const Arguments& arguments) {
    const auto alias = session.chosen_backend();
    session.work_with({alias});
    auto* const rewrapper = dynamic_cast<KeyRewrapper*>(&session.backend(alias));
    if(rewrapper == nullptr) {
        throw Error(Errc::unsupported,
                    "the backend " + in_quotes(alias.str()) + " has no passphrase for all its keys",
                    "a backend of type database has one");
    }
    const auto options = session.options(alias, Phase::use);
    const auto where = " in backend " + in_quotes(alias.str());
    RewrapRequest request;
    if(arguments.has("new-passphrase")) {
        request.new_passphrase =
            session.secret("new-passphrase", "new passphrase of backend " + in_quotes(alias.str()), Asking::twice);
    }
    if(const auto named = arguments.value("new-wrapping-key")) {
        if(request.new_passphrase) {
            throw Error(Errc::usage, "--new-passphrase and --new-wrapping-key contradict each other", "give one of them");
        }
        const auto key = session.named_key(*named);
        const auto* const ref = std::get_if<KeyRef>(&key.key);
        request.new_wrapping_key =
            ref != nullptr ? WrappingKeyName(*ref) : WrappingKeyName(key.backend, std::get<std::string>(key.key));
    }
    if(arguments.has("dry-run")) {
        const auto number = rewrapper->keys_to_rewrap(request, options);
        const auto* const checker = dynamic_cast<const StoreChecker*>(&session.backend(alias));
        if(const auto fault = checker == nullptr || number == 0 ? std::nullopt : checker->check_writable(options)) {
            throw Error(*fault);
        }
        session.report({{"backend", alias.str()}, {"keys", number}, {"dry-run", true}},
                       number == 0 ? "there is no key" + where + " to be put under another key-encryption key\n"
                                   : "would put " + keys(number) + where + " under a new key-encryption key\n");
        return;
    }
    RewrapResult result;
    {
        ProgressLine line;
        if(error_is_terminal()) {
            request.progress = [&line](const RewrapProgress& progress) { line.show(progress); };
        }
        result = session.audited({.operation = "rewrap", .backend = alias.str()}, [&](AuditEntry& entry) {
            auto done = rewrapper->rewrap(request, options);
            entry.object = keys(done.rewrapped);
            return done;
        }, [&](const AuditEntry& entry, const Error& error) {
            throw Error(error.code(), "the keys" + where + " are under the new key-encryption key by now (" + entry.object +
                                          "), but that was not recorded: " + error.message(),
                        "keep what opens them now; then " + error.hint());
        });
    }
    session.report({{"backend", alias.str()}, {"rewrapped", result.rewrapped}, {"resumed", result.resumed}},
                   result.is_empty ? "nothing to do: there is no key" + where + " yet, and no passphrase before the first one\n"
                                   : "put " + keys(result.rewrapped) + where + " under " +
                       (result.resumed ? "the key-encryption key of the call before, which had not ended"
                                       : "a new key-encryption key") +
                       what_opens_them(request, session.configuration().settings.backend(alias)));
}

}  // namespace

Command key_rewrap_command() {
    return {.noun = "key",
            .verb = "rewrap",
            .summary = "change the passphrase of a database of keys, or the key they are under",
            .flags = {backend_flag(),
                      {.name = "new-passphrase",
                       .value = "SOURCE",
                       .help = "the source of the new passphrase (default: it stays, with the Argon2 "
                               "parameters that the settings name now)"},
                      {.name = "new-wrapping-key",
                       .value = "KEY",
                       .help = "in place of a passphrase: an RSA or AES key of another backend, by its reference, the file with that, "
                               "or ALIAS:LABEL"},
                      dry_run_flag()},
            .backend_phase = Phase::use,
            .details = "Where the settings name a \"wrapping-key\", the keys go under that unless a flag says otherwise. "
                       "Keys are used and made meanwhile: the new passphrase or key opens all of them from the beginning "
                       "on, the old one those that are not done yet. When it is stopped, the same call goes on.",
            .example = "keyway key rewrap --backend db --passphrase file:old --new-passphrase file:new",
            .uses_keys = true,
            .run = run};
}

}  // namespace keyway::cli
