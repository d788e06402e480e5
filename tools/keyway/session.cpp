// SPDX-License-Identifier: BSD-2-Clause
#include "session.hpp"

#include "terminal.hpp"

#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace keyway::cli {

namespace {

KeyUseObserver observer_of(Audit* audit) {
    return audit == nullptr ? KeyUseObserver() : [audit](const KeyUse& use) { audit->observe(use); };
}

}  // namespace

Session::Session(Configuration configuration, OutputForm form, std::vector<OptionFlag> flags,
                 const Arguments& arguments, BackendRegistry backends, std::unique_ptr<Audit> audit)
    : configuration_(std::move(configuration)),
      form_(form),
      flags_(std::move(flags)),
      arguments_(arguments),
      secrets_(secret_reader([this](const std::string& question) { return questions_.answer(question); })),
      audit_(std::move(audit)),
      keyring_(configuration_.settings, {.secrets = secrets_, .observer = observer_of(audit_.get())}, std::move(backends)) {}

void Session::begin_audit(const AuditEntry& entry) {
    audit_is_open_ = audit_ != nullptr;
    if(audit_is_open_) {
        audit_->begin(entry);
    }
}

void Session::record(const AuditEntry& entry) {
    if(audit_is_open_) {
        audit_is_open_ = false;
        audit_->end(entry, nullptr);
    }
}

void Session::fail_audit(const AuditEntry& entry) {
    const auto tell = [&](const Error& error) {
        if(!std::exchange(audit_is_open_, false)) {
            return;  // it is the record that failed
        }
        try {
            audit_->end(entry, &error);
        } catch(const Error& untold) {
            throw Error(error.code(), error.message() + "; and that was not recorded: " + untold.message(), error.hint())
                .in_backend(error.backend())
                .with_return_value(error.return_value());
        }
    };
    try {
        throw;
    } catch(const Error& error) {
        tell(error);
        throw;
    } catch(const std::exception& error) {
        tell(Error(Errc::internal, error.what()));
        throw;
    }
}

void Session::report(const nlohmann::ordered_json& json, std::string_view text) const {
    // Names in tokens and files need not be UTF-8; output always is.
    print(form_ == OutputForm::json
              ? json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
              : std::string(text));
}

BackendAlias Session::chosen_backend() const {
    const auto& settings = configuration_.settings;
    if(const auto name = arguments_.value("backend")) {
        BackendAlias alias(*name);
        if(!settings.backends().empty()) {
            static_cast<void>(settings.backend(alias));
            return alias;
        }
    } else if(const auto usual = settings.default_backend()) {
        return *usual;
    }
    if(settings.backends().empty()) {
        throw Error(Errc::backend_not_found, "no backend is configured",
                    configuration_.file ? "add one to " + in_quotes(configuration_.file->string()) +
                                              "; `keyway backend show TYPE` tells what it needs"
                                        : std::string(no_settings_hint));
    }
    throw Error(Errc::backend_not_found, "the settings name no default backend",
                "choose one with --backend: " + aliases_in(settings));
}

BackendAlias Session::chosen_backend(std::optional<KeyPurpose> purpose) const {
    const auto& by_purpose = configuration_.settings.backends_by_purpose();
    if(!arguments_.has("backend") && purpose) {
        if(const auto found = by_purpose.find(*purpose); found != by_purpose.end()) {
            return found->second;
        }
    }
    return chosen_backend();
}

CreatedKey Session::create(const BackendAlias& alias, std::optional<KeyPurpose> purpose, const KeySpec& spec,
                           const OptionValues& options) {
    if(!purpose) {
        return backend(alias).create(spec, options);
    }
    const auto fallback = configuration_.settings.fallback_of(alias, *purpose);
    auto made = keyring_.create(alias, *purpose, spec, options,
                                fallback ? this->options(*fallback, Phase::create) : OptionValues());
    if(made.fallback) {
        warn("the key was made in backend " + in_quotes(made.fallback->to.str()) + ", in place of " +
             in_quotes(made.fallback->from.str()) + ": " + made.fallback->because.message() +
             (made.fallback->because.hint().empty() ? "" : "; " + made.fallback->because.hint()));
    }
    return made;
}

void Session::warn(const std::string& message) const {
    print_error(json() ? nlohmann::json{{"warning", {{"message", message}}}}.dump(
                             -1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                       : "keyway: warning: " + visible(message) + "\n");
}

void Session::tell_fallback(const KeyRef& ref) const {
    if(ref.fallback_from()) {
        warn("the key is in backend " + in_quotes(ref.backend().str()) + " in place of " +
             in_quotes(ref.fallback_from()->str()) + ", which could not be reached when it was made");
    }
}

void Session::work_with(const std::vector<BackendAlias>& backends, const std::vector<BackendAlias>& by_alias) {
    std::vector<BackendAlias> each;
    for(const auto& alias : backends) {
        if(std::ranges::find(each, alias) == each.end()) {
            each.push_back(alias);
        }
    }
    options_ = assign_options(flags_, arguments_, each, by_alias, types(), configuration_.settings);
}

std::optional<WrappingKeyName> Session::wrapping_key_of(const BackendAlias& alias) const {
    const auto& options = configuration_.settings.backend(alias).options;
    const auto option = options.find("wrapping-key");
    if(option == options.end()) {
        return std::nullopt;
    }
    auto name = WrappingKeyName::parse(option->second.value);
    keyring_.require_wrapping_backend(name);
    return name;
}

void Session::choose_label(const BackendAlias& alias, const std::string& label) {
    RawOption raw{.value = label, .form = RawOption::Form::text, .origin = {OptionOrigin::Kind::call, "the command line"}};
    if(const auto [given, is_new] = options_[alias].emplace("label", std::move(raw)); !is_new) {
        throw Error(Errc::usage, "the new key's label is given twice: as " + in_quotes(label) + " behind the colon, and by " +
                                     given->second.origin.place,
                    "leave " + given->second.origin.place + " out");
    }
}

const BackendType& Session::type_of(const BackendAlias& alias) const {
    return types().type(configuration_.settings.backend(alias).type);
}

OptionValues Session::options(const BackendAlias& alias, Phase phase) const {
    const auto found = options_.find(alias);
    return OptionValues::check(*type_of(alias).options, phase,
                               found == options_.end() ? RawOptions{} : found->second,
                               "backend " + in_quotes(alias.str()));
}

RawOptions Session::given_options(const BackendAlias& alias) const {
    const auto found = options_.find(alias);
    return found == options_.end() ? RawOptions{} : found->second;
}

OptionValues Session::options_for_use(const BackendAlias& alias) const {
    const auto& table = *type_of(alias).options;
    RawOptions raw;
    if(const auto found = options_.find(alias); found != options_.end()) {
        for(const auto& [name, option] : found->second) {
            const auto* const spec = table.find(name);
            if(spec != nullptr && spec->phases.contains(Phase::use)) {
                raw.emplace(name, option);
            }
        }
    }
    return OptionValues::check(table, Phase::use, raw, "backend " + in_quotes(alias.str()));
}

KeyRef Session::reference(const NamedKey& key) {
    if(const auto* const ref = std::get_if<KeyRef>(&key.key)) {
        return *ref;
    }
    return key_with_label(backend(key.backend), options(key.backend, Phase::use), std::get<std::string>(key.key)).ref;
}

OpenKey Session::open(const NamedKey& key) {
    AuditEntry unused;
    return open(key, unused);
}

OpenKey Session::open(const NamedKey& key, AuditEntry& entry) {
    entry.label = label_asked_for(key);
    auto ref = reference(key);
    entry.ref = ref;
    tell_fallback(ref);
    auto opened = keyring_.use(ref, options(key.backend, Phase::use));
    return {std::move(ref), std::move(opened)};
}

void Session::expect_new_key(const BackendAlias& alias) {
    const auto& settings = configuration_.settings.backend(alias);
    const auto path = settings.options.find("path");
    std::error_code ignored;
    const bool is_new = settings.type == "file" ||
                        (settings.type == "database" &&
                         (path == settings.options.end() || !std::filesystem::exists(path->second.value, ignored)));
    questions_.set_asking(is_new ? Asking::twice : Asking::once);
}

bool Session::look_at_secrets(const BackendAlias& alias, const OptionValues& options) const {
    bool all = true;
    for(const auto& option : type_of(alias).options->options()) {
        if(option.type != OptionType::secret_source) {
            continue;
        }
        auto source = options.secret_source(option.name);
        const auto& usual = configuration_.settings.backend(alias).options;
        if(const auto found = usual.find(option.name); !source && found != usual.end()) {
            source = SecretSource::parse(found->second.value);
        }
        if(source && source->kind() != SecretSource::Kind::prompt) {
            static_cast<void>(
                secrets_.read(*source, option.name + " of backend " + in_quotes(alias.str())));
        }
        all = all && !(source && source->kind() == SecretSource::Kind::prompt);
    }
    return all;
}

Secret Session::secret(std::string_view flag, std::string_view what, Asking asking) const {
    return secret_or(flag, arguments_.required(flag), what, asking);
}

Secret Session::secret_or(std::string_view flag, std::string_view usual_source, std::string_view what,
                          Asking asking) const {
    const auto text = arguments_.value(flag).value_or(std::string(usual_source));
    try {
        const auto prompt = [asking](const std::string& question) { return ask(question, asking); };
        return secret_reader(prompt).read(SecretSource::parse(text), what);
    } catch(const Error& error) {
        if(error.code() != Errc::invalid_option) {
            throw;
        }
        throw Error(Errc::invalid_option, "--" + std::string(flag) + ": " + error.message(), error.hint());
    }
}

}  // namespace keyway::cli
