// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/key/paged_key_lister.hpp>
#include <keyway/key/wrapping_key_store.hpp>
#include <keyway/keyring/keyring.hpp>

#include <botan/pk_keys.h>

#include <algorithm>
#include <utility>

namespace keyway {

namespace {

/// The whole key pairs of a label: a public half alone, which anybody can put into a token, is none.
std::vector<KeyRef> pairs_with_label(const KeyBackend& backend, const std::string& label) {
    std::vector<KeyRef> found;
    for(const auto& key : keys_with_label(backend, {}, label).keys) {
        if(std::ranges::find(key.attributes, std::pair<std::string, std::string>("private-key", "missing")) == key.attributes.end()) {
            found.push_back(key.ref);
        }
    }
    return found;
}

}  // namespace

/// Which keys were made by fallback, and who is told of their uses.
struct Keyring::Fallbacks {
    KeyUseObserver observer;
    std::mutex mutex;
    std::map<std::pair<std::string, std::string>, std::string, std::less<>> from;  ///< by alias and SPKI SHA-256

    void remember(const KeyRef& ref) {
        const std::lock_guard lock(mutex);
        from.insert_or_assign({ref.backend().str(), ref.fingerprint().to_string()}, ref.fallback_from()->str());
    }

    void tell(KeyUse use) {
        std::string alias;
        if(use.fallback_from.empty()) {
            const std::lock_guard lock(mutex);
            if(const auto found = from.find(std::pair(std::string(use.backend), std::string(use.spki_sha256)));
               found != from.end()) {
                alias = found->second;
                use.fallback_from = alias;
            }
        }
        observer(use);
    }
};

Keyring::Keyring(Settings settings, BackendContext context, BackendRegistry backends)
    : settings_(std::move(settings)),
      fallbacks_(std::make_shared<Fallbacks>()),
      context_(std::move(context)),
      backends_(std::move(backends)) {
    if(!context_.wrappers) {
        context_.wrappers = [this](const WrappingKeyName& name) { return open_wrapper(name); };
    }
    if(context_.observer) {
        fallbacks_->observer = std::move(context_.observer);
        context_.observer = [shared = fallbacks_](const KeyUse& use) { shared->tell(use); };
    }
}

Keyring::~Keyring() = default;

void Keyring::require_wrapping_backend(const WrappingKeyName& name) const {
    // Two that need each other would look for each other for ever.
    if(settings_.backend(name.backend()).options.contains("wrapping-key")) {
        throw Error(Errc::invalid_option,
                    "the wrapping key is in the backend " + in_quotes(name.backend().str()) +
                        ", whose keys are under a wrapping key themselves",
                    "name a key in an HSM or a file");
    }
}

std::unique_ptr<KeyWrapper> Keyring::open_wrapper(const WrappingKeyName& name) {
    require_wrapping_backend(name);
    if(name.ref()) {
        return rsa_key_wrapper(use(*name.ref()));
    }
    auto& store = backend(name.backend());
    const auto* const secret_keys = dynamic_cast<const WrappingKeyStore*>(&store);
    auto secret_key = secret_keys == nullptr ? nullptr : secret_keys->open_wrapping_key(name.label(), {});
    auto pairs = pairs_with_label(store, name.label());
    if(secret_key || pairs.size() > 1) {
        // A key pair that cannot wrap is not meant: whoever makes one of this label shuts no database.
        std::erase_if(pairs, [](const KeyRef& pair) { return pair.key().type() != KeyType::rsa; });
    }
    const auto found = pairs.size() + (secret_key ? 1 : 0);
    const auto what = in_quotes(name.label()) + " in backend " + in_quotes(name.backend().str());
    if(found == 0) {
        throw Error(Errc::key_not_found, "there is no key " + what,
                    "neither a key pair nor an AES key has this label; `keyway key list` shows both");
    }
    if(found > 1) {
        throw Error(Errc::key_ambiguous, "there are " + std::to_string(found) + " keys " + what,
                    "name a key pair by its reference, or give the keys different labels");
    }
    return secret_key ? std::move(secret_key) : rsa_key_wrapper(use(pairs.front()));
}

KeyBackend& Keyring::backend(const BackendAlias& alias) {
    const std::lock_guard lock(mutex_);
    auto found = open_.find(alias);
    if(found == open_.end()) {
        found = open_.emplace(alias, backends_.open(settings_, alias, context_)).first;
    }
    return *found->second;
}

KeyBackend& Keyring::default_backend() {
    const auto alias = settings_.default_backend();
    if(!alias) {
        throw Error(Errc::backend_not_found,
                    settings_.backends().empty() ? "the settings name no backend" : "the settings name no default backend",
                    "add one under \"backends\", or name it in \"default-backend\"");
    }
    return backend(*alias);
}

BackendAlias Keyring::backend_for(KeyPurpose purpose) const {
    const auto alias = settings_.backend_for(purpose);
    if(!alias) {
        throw Error(Errc::backend_not_found,
                    "the settings name no backend for keys of purpose " + in_quotes(to_string(purpose)),
                    "name one under \"backends-by-purpose\", or in \"default-backend\"");
    }
    return *alias;
}

CreatedKey Keyring::create(const BackendAlias& alias,
                           KeyPurpose purpose,
                           const KeySpec& spec,
                           const OptionValues& options,
                           const OptionValues& fallback_options) {
    const auto fallback = settings_.fallback_of(alias, purpose);
    try {
        return backend(alias).create(spec, options);
    } catch(const Error& error) {
        // A wait that ended, or a disk that is full, is no absence: who can make a token busy is not to get software keys by it.
        if(!fallback || error.code() != Errc::token_not_found) {
            throw;
        }
        return create_in_fallback({alias, *fallback, error}, spec, options, fallback_options);
    }
}

CreatedKey Keyring::create_in_fallback(const KeyFallback& fallback,
                                       const KeySpec& spec,
                                       const OptionValues& options,
                                       const OptionValues& fallback_options) {
    auto& other = backend(fallback.to);
    auto chosen = fallback_options;
    const auto* const label = backends_.type(settings_.backend(fallback.to).type).options->find("label");
    if(const auto text = options.text("label"); text && label != nullptr && !chosen.has("label")) {
        chosen.set(*label, {.value = *text, .form = RawOption::Form::text, .origin = options.find("label")->origin});
    }
    auto made = [&] {
        try {
            return other.create(spec, chosen);
        } catch(const Error& error) {
            throw Error(error.code(),
                        "the backend " + in_quotes(fallback.from.str()) + " cannot be reached (" + fallback.because.message() +
                            "), and its fallback failed: " + error.message(),
                        error.hint())
                .in_backend(fallback.to.str());
        }
    }();
    const auto plain = made.ref;
    made.ref = plain.in_place_of(fallback.from);
    made.fallback = fallback;
    fallbacks_->remember(made.ref);
    if(context_.observer) {
        try {
            const auto spki = made.ref.fingerprint().to_string();
            const auto key = "key " + in_quotes(options.text("label").value_or("")) + " in backend " + in_quotes(fallback.to.str());
            context_.observer({.backend = fallback.to.str(),
                               .key = key,
                               .spki_sha256 = spki,
                               .operation = "create",
                               .fallback_from = fallback.from.str(),
                               .fallback_because = fallback.because.message()});
        } catch(...) {
            // What could not be recorded is not to be there.
            if(auto* const remover = dynamic_cast<KeyRemover*>(&other)) {
                remover->remove(plain, {});
            }
            throw;
        }
    }
    return made;
}

void Keyring::tell_opened(const KeyRef& ref) {
    if(!ref.fallback_from()) {
        return;
    }
    fallbacks_->remember(ref);
    if(context_.observer) {
        const auto spki = ref.fingerprint().to_string();
        const auto key = ref.to_string();
        context_.observer({.backend = ref.backend().str(),
                           .key = key,
                           .spki_sha256 = spki,
                           .operation = "open",
                           .fallback_from = ref.fallback_from()->str()});
    }
}

OptionValues Keyring::options(const BackendAlias& alias,
                              Phase phase,
                              std::initializer_list<std::pair<std::string_view, std::string_view>> values) const {
    RawOptions raw;
    for(const auto& [name, value] : values) {
        raw.emplace(name, RawOption{.value = std::string(value), .form = RawOption::Form::text, .origin = {}});
    }
    const auto& type = backends_.type(settings_.backend(alias).type);
    return OptionValues::check(*type.options, phase, raw, "backend " + in_quotes(alias.str()));
}

namespace {

std::vector<OpenedKey> use_each(const KeyBackend& backend, std::span<const KeyRef> refs, const OptionValues& options) {
    if(const auto* const opener = dynamic_cast<const KeyBulkOpener*>(&backend)) {
        return opener->use_all(refs, options);
    }
    std::vector<OpenedKey> out;
    for(const auto& ref : refs) {
        try {
            out.emplace_back(backend.use(ref, options));
        } catch(const Error& error) {
            out.emplace_back(error);
        }
    }
    return out;
}

}  // namespace

void Keyring::tell_if_opened(const KeyRef& ref, OpenedKey& opened) {
    if(!std::holds_alternative<std::unique_ptr<Botan::Private_Key>>(opened)) {
        return;
    }
    try {
        tell_opened(ref);
    } catch(const Error& error) {
        opened = error;  // what could not be recorded is not handed out
    }
}

std::vector<OpenedKey> Keyring::use_all(std::span<const KeyRef> refs, const OptionValues& options) {
    std::map<BackendAlias, std::vector<std::size_t>> places;
    for(std::size_t i = 0; i < refs.size(); ++i) {
        places[refs[i].backend()].push_back(i);
    }
    std::vector<OpenedKey> out(refs.size());
    for(const auto& [alias, at] : places) {
        std::vector<KeyRef> own;
        own.reserve(at.size());
        for(const auto place : at) {
            own.push_back(refs[place]);
        }
        try {
            auto opened = use_each(backend(alias), own, options);
            for(std::size_t i = 0; i < at.size(); ++i) {
                out[at[i]] = std::move(opened.at(i));
            }
            for(const auto place : at) {
                tell_if_opened(refs[place], out[place]);
            }
        } catch(const Error& error) {
            for(const auto place : at) {
                out[place] = error;
            }
        }
    }
    return out;
}

std::unique_ptr<Botan::Private_Key> Keyring::use(const KeyRef& ref, const OptionValues& options) {
    auto key = backend(ref.backend()).use(ref, options);
    tell_opened(ref);
    return key;
}

}  // namespace keyway
