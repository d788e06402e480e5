// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/hsm/hsm_backend.hpp>
#include <keyway/backends/hsm/hsm_options_internal.hpp>
#include <keyway/backends/hsm/key_references_internal.hpp>
#include <keyway/backends/hsm/kept_certificate_internal.hpp>
#include <keyway/backends/hsm/key_making_internal.hpp>
#include <keyway/backends/hsm/token_limits_internal.hpp>
#include <keyway/backends/hsm/wrapping_keys_internal.hpp>
#include <keyway/backends/hsm/write_check_internal.hpp>
#include <keyway/key/naming_backend_internal.hpp>
#include <keyway/key/store_checker.hpp>
#include <keyway/key/store_identity.hpp>
#include <keyway/key/wrapping_key_store.hpp>
#include <keyway/pkcs11/keys/aes_key_wrapper_internal.hpp>
#include <keyway/pkcs11/keys/hsm_private_key_internal.hpp>
#include <keyway/pkcs11/keys/key_transfer_internal.hpp>

#include <botan/pk_keys.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <array>
#include <functional>
#include <mutex>
#include <utility>

namespace keyway {

namespace {

using hsm::type_name;

class HsmBackend final : public KeyBackend,
                         public KeyLister,
                         public KeyBulkOpener,
                         public KeyAdopter,
                         public KeyRemover,
                         public NewKeyChecker,
                         public CertificateKeeper,
                         public StoreChecker,
                         public WrappedKeySender,
                         public WrappedKeyReceiver,
                         public WrappingKeyStore,
                         public StoreIdentity,
                         private pkcs11::ForkAware {
    /// Work with the token and its PIN, by the options of phase use. First, as its result is deduced.
    template <typename Work>
    auto with_token(const OptionValues& call, const Work& work) const {
        return naming_backend(alias(), [&] {
            const auto options = completed(Phase::use, call);
            const auto token = this->token();
            return work(*token, pin_provider(options, *token));
        });
    }

public:
    HsmBackend(const BackendAlias& alias,
               std::shared_ptr<const OptionTable> table,
               OptionValues settings,
               BackendContext context)
        : KeyBackend(alias, std::move(table), std::move(settings)),
          context_(std::move(context)),
          place_(hsm::token_place(this->settings(), alias)) {
        watch_forks();
    }
    ~HsmBackend() override {
        leave_forks();
        delete locks_;
    }

    CreatedKey create(const KeySpec& spec, const OptionValues& call) override;
    KeyRef store(const Botan::Private_Key& key, const OptionValues& call) override;
    std::unique_ptr<Botan::Private_Key> use(const KeyRef& ref, const OptionValues& call) const override;
    std::optional<Error> check(const KeyRef& ref, const OptionValues& call) const override;
    KeyListing list(const OptionValues& call) const override;
    std::vector<OpenedKey> use_all(std::span<const KeyRef> refs, const OptionValues& call) const override;
    KeyRef adopt(const OptionValues& call) override;
    void remove(const KeyRef& ref, const OptionValues& call) override;
    std::optional<Error> check_new(const KeySpec& spec, Phase phase, const OptionValues& call) const override;
    std::unique_ptr<KeyWrapper> open_wrapping_key(const std::string& label, const OptionValues& call) const override;
    WrappingKeyInfo create_wrapping_key(const std::string& label, const OptionValues& call) override;
    std::optional<Error> check_new_wrapping_key(const std::string& label, const OptionValues& call) const override {
        return said_by([&] {
            return with_token(call, [&](auto& token, const auto& pin) { return hsm::why_no_wrapping_key(token, pin, label); });
        });
    }
    std::vector<WrappingKeyInfo> list_wrapping_keys(const OptionValues& call) const override;
    void remove_wrapping_key(const WrappingKeyInfo& key, const OptionValues& call) override;
    std::string store_identity() const override;

    void keep_certificate(const KeyRef& ref,
                          std::span<const std::uint8_t> certificate,
                          OtherCertificates others,
                          const OptionValues& call) override {
        with_token(call, [&](auto& token, const auto& pin) {
            hsm::keep_certificate(token, pin, selector(ref), ref.fingerprint(), certificate, others);
        });
    }

    std::vector<KeptCertificate> kept_certificates(const KeyRef& ref, const OptionValues& call) const override {
        return naming_backend(alias(), [&] {
            const auto token = this->token();
            return hsm::kept_certificates(*token, pin_provider(completed(Phase::use, call), *token), selector(ref), ref.fingerprint());
        });
    }

    std::optional<Error> check_writable(const OptionValues& call) const override {
        return said_by([&]() -> std::optional<Error> {
            const auto token = this->token();
            hsm::require_lets_us_make_keys(*token);
            hsm::require_writable(*token, pin_provider(completed(Phase::use, call), *token));
            return std::nullopt;
        });
    }

    std::optional<Error> check_send(const KeyRef& ref, const OptionValues& call) const override;
    TransportedKey send(const KeyRef& ref, const TransportKey& under, const OptionValues& call) const override;
    std::optional<Error> check_receive(const OptionValues& call) const override;
    KeyRef receive(const Botan::Public_Key& public_half,
                   const OptionValues& call,
                   const std::function<TransportedKey(const TransportKey&)>& send) override;

    const BackendCapabilities& capabilities() const override {
        return naming_backend(alias(), [&]() -> const BackendCapabilities& {
            const auto token = this->token();
            return kinds_.of(*token, pin_provider(settings(), *token)).either;
        });
    }

    std::optional<pkcs11::TokenCounters> counters() const {
        const auto token = [&] {
            const auto forks = pkcs11::hold_back_forks();
            return token_;
        }();
        return token ? std::optional(token->counters()) : std::nullopt;
    }

private:
    /// The token, opened at the first use and kept; a token that is not there is looked for again the next time.
    std::shared_ptr<pkcs11::Token> token() const {
        const std::unique_lock lock(locks_->opening, pkcs11::Deadline(place_.limits.deadline).at());
        if(!lock) {
            throw Error(Errc::timed_out, "somebody else has been opening module " + in_quotes(place_.module) + " all the while",
                        "the module does not come back from being initialised");
        }
        if(!token_) {
            auto limits = place_.limits;
            limits.observer = context_.token_observer;
            limits.backend = alias().str();
            auto token = std::make_shared<pkcs11::Token>(
                pkcs11::Module::open(place_.module, place_.init_args), place_.token, limits);
            const auto forks = pkcs11::hold_back_forks();
            token_ = std::move(token);
        }
        return token_;
    }

    void begin_anew_in_child() noexcept override { locks_ = new Locks; }

    pkcs11::PinProvider pin_provider(const OptionValues& options, const pkcs11::Token& token) const {
        return hsm::pin_provider(context_.secrets, options, place_, token).of_backend(alias().str());
    }

    KeyRef reference(const pkcs11::NewKey& key, const Botan::Public_Key& public_key) const {
        return hsm::reference(alias(), key, public_key);
    }

    pkcs11::KeySelector selector(const KeyRef& ref) const {
        require_own(ref, type_name);
        return hsm::selector(ref);
    }

    std::unique_ptr<Botan::Private_Key> open(const std::shared_ptr<pkcs11::Token>& token,
                                             const OptionValues& options,
                                             const pkcs11::KeySelector& selector,
                                             const SpkiFingerprint& fingerprint) const {
        auto key = std::make_shared<pkcs11::HsmKey>(token, pin_provider(options, *token), selector, fingerprint);
        observe(*key);
        return std::make_unique<pkcs11::HsmPrivateKey>(std::move(key));
    }

    void observe(pkcs11::HsmKey& key) const {
        if(context_.observer) {
            key.observe(alias().str(), context_.observer);
        }
    }

    /// A key that was just made has to sign once, verified, before anybody relies on it.
    void prove(const std::shared_ptr<pkcs11::Token>& token,
               const OptionValues& options,
               const pkcs11::NewKey& key,
               const Botan::Public_Key& public_key) const {
        if(!key.usage.sign) {
            return;
        }
        const auto opened = open(token, options, {.id = key.id, .label = key.label}, SpkiFingerprint::of(public_key));
        hsm::sign_once(*opened);
    }

    /// What is in the way, as an error that names this backend: what the work answers, or throws.
    template <typename Work>
    std::optional<Error> said_by(const Work& work) const {
        try {
            auto why = work();
            return why ? std::optional(why->in_backend(alias().str())) : std::nullopt;
        } catch(const Error& error) {
            return error.in_backend(alias().str());
        }
    }

    void require_makes(pkcs11::Token& token, const pkcs11::PinProvider& pin, const KeySpec& spec, hsm::Making making) const {
        const auto& kinds = kinds_.of(token, pin);
        hsm::require_makes_keys(token, kinds, spec, making);
        require_offered(spec, hsm::kinds_for(kinds, making));
    }

    /// Makes the objects of a key by `work`, proves that it signs, and only then keeps them.
    template <typename Work>
    CreatedKey make(const OptionValues& options,
                    const KeySpec& spec,
                    hsm::Making making,
                    pkcs11::NewKey key,
                    const Work& work) {
        const auto token = this->token();
        const auto pin = pin_provider(options, *token);
        require_makes(*token, pin, spec, making);
        key.rules = pkcs11::ObjectRules::of(token->quirks());
        const auto deadline = token->new_deadline();
        const auto turn = hsm::making_turn(locks_->making, *token, deadline);
        const pkcs11::Token::OneDeadline one(deadline);
        bool names_are_ours = false;
        try {
            const auto found = token->with_session(pkcs11::SessionMode::read_write, pin, [&](const pkcs11::Session& session) {
                if(names_are_ours) {
                    pkcs11::destroy_named(session, key);
                }
                pkcs11::require_free_names(session, key, token->name());
                names_are_ours = true;
                // What is made and not wanted goes by its names: a handle may have become another key's meanwhile.
                struct ByNames {
                    pkcs11::NewObjects& made;
                    ~ByNames() { made.keep(); }
                };
                pkcs11::NewObjects made(session);
                const ByNames by_names{made};
                return work(session, key, made);
            });
            prove(token, options, key, *found.public_key);
            return {reference(key, *found.public_key), found.public_key};
        } catch(const Error& error) {
            if(names_are_ours) {
                hsm::remove_what_was_made(*token, pin, key, error);
            }
            throw;
        }
    }

    BackendContext context_;
    hsm::TokenPlace place_;
    /// Of this process: a forked child gets others, as its parent's may be held by threads that it does not have.
    struct Locks {
        pkcs11::TimedMutex opening;
        pkcs11::TimedMutex making;
    };
    Locks* locks_ = new Locks;
    mutable std::shared_ptr<pkcs11::Token> token_;
    mutable hsm::KnownKinds kinds_;
};

CreatedKey HsmBackend::create(const KeySpec& spec, const OptionValues& call) {
    return naming_backend(alias(), [&] {
        const auto options = completed(Phase::create, call);
        return make(options, spec, hsm::Making::generate, hsm::new_key(options, spec, hsm::random_id()),
                    [&](const auto& session, const auto& key, auto& made) {
                        return pkcs11::generate_key(session, spec, key, made);
                    });
    });
}

KeyRef HsmBackend::store(const Botan::Private_Key& source, const OptionValues& call) {
    return naming_backend(alias(), [&] {
        const auto options = completed(Phase::store, call);
        const auto public_half = source.public_key();
        const auto spec = KeySpec::of(*public_half);
        return make(options, spec, hsm::Making::import, hsm::new_key(options, spec, hsm::usual_id(*public_half)),
                    [&](const auto& session, const auto& wanted, auto& made) {
                        return pkcs11::import_key(session, source, wanted, made);
                    })
            .ref;
    });
}

std::optional<Error> HsmBackend::check_new(const KeySpec& spec, Phase phase, const OptionValues& call) const {
    return said_by([&]() -> std::optional<Error> {
        const auto options = completed(phase, call);
        const auto key = hsm::new_key(options, spec, hsm::random_id());
        const auto token = this->token();
        const auto pin = pin_provider(options, *token);
        require_makes(*token, pin, spec, phase == Phase::create ? hsm::Making::generate : hsm::Making::import);
        token->with_session(pkcs11::SessionMode::read_only, pin, [&](const pkcs11::Session& session) {
            pkcs11::require_free_names(session, key, token->name());
        });
        return std::nullopt;
    });
}

std::optional<Error> HsmBackend::check_send(const KeyRef& ref, const OptionValues& call) const {
    return said_by([&]() -> std::optional<Error> {
        const auto options = completed(Phase::use, call);
        const auto wanted = selector(ref);
        const auto token = this->token();
        const auto pin = pin_provider(options, *token);
        return token->with_session(pkcs11::SessionMode::read_only, pin, [&](const pkcs11::Session& session) {
            const auto found = pkcs11::find_key(session, wanted, ref.fingerprint(), token->name());
            return pkcs11::why_it_is_not_sent(session, found.private_object, token->name());
        });
    });
}

TransportedKey HsmBackend::send(const KeyRef& ref, const TransportKey& under, const OptionValues& call) const {
    return naming_backend(alias(), [&] {
        const auto options = completed(Phase::use, call);
        const auto wanted = selector(ref);
        const auto token = this->token();
        return token->with_session(pkcs11::SessionMode::read_only, pin_provider(options, *token), [&](const pkcs11::Session& session) {
            const auto found = pkcs11::find_key(session, wanted, ref.fingerprint(), token->name());
            return pkcs11::send_key(session, found.private_object, under, token->name());
        });
    });
}

std::optional<Error> HsmBackend::check_receive(const OptionValues& call) const {
    return said_by([&] {
        const auto token = this->token();
        return hsm::ask_at_slot(*token, pin_provider(completed(Phase::store, call), *token), pkcs11::why_it_receives_no_keys);
    });
}

KeyRef HsmBackend::receive(const Botan::Public_Key& public_half,
                           const OptionValues& call,
                           const std::function<TransportedKey(const TransportKey&)>& send) {
    // What the sender throws is not this token's, which need not get over it.
    return passing_errors_of(send, [&](const auto& from_sender) {
        return naming_backend(alias(), [&] {
            const auto options = completed(Phase::store, call);
            const auto spec = KeySpec::of(public_half);
            const auto name = token()->name();
            return make(options, spec, hsm::Making::unwrap, hsm::new_key(options, spec, hsm::usual_id(public_half)),
                        [&](const auto& session, const auto& wanted, auto& made) {
                            return pkcs11::receive_key(session, public_half, wanted, from_sender, name, made);
                        })
                .ref;
        });
    });
}

std::unique_ptr<Botan::Private_Key> HsmBackend::use(const KeyRef& ref, const OptionValues& call) const {
    return naming_backend(alias(), [&] {
        const auto options = completed(Phase::use, call);
        const auto wanted = selector(ref);
        auto key = open(token(), options, wanted, ref.fingerprint());
        require_kind(ref, KeySpec::of(*key));
        return key;
    });
}

std::optional<Error> HsmBackend::check(const KeyRef& ref, const OptionValues& call) const {
    try {
        return static_cast<void>(use(ref, call)), std::nullopt;
    } catch(const Error& error) {
        return error;
    }
}

std::vector<OpenedKey> HsmBackend::use_all(std::span<const KeyRef> refs, const OptionValues& call) const {
    return naming_backend(alias(), [&] {
        const auto options = completed(Phase::use, call);
        std::vector<OpenedKey> out(refs.size());
        std::vector<std::size_t> places;  // of those that are wanted, as a reference may be for another kind of backend
        std::vector<pkcs11::WantedKey> wanted;
        const auto for_one_key = [&](std::size_t place, const auto& work) {
            try {
                work();
            } catch(const Error& error) {
                out[place] = error.in_backend(alias().str());
            }
        };
        for(std::size_t i = 0; i < refs.size(); ++i) {
            for_one_key(i, [&] {
                wanted.push_back({selector(refs[i]), refs[i].fingerprint()});
                places.push_back(i);
            });
        }
        const auto token = this->token();
        const auto pin = pin_provider(options, *token);
        std::uint64_t epoch = 0;
        auto found = token->with_session(pkcs11::SessionMode::read_only, pin, [&](const pkcs11::Session& session) {
            epoch = token->epoch();
            return pkcs11::find_keys(session, wanted, token->name());
        });
        for(std::size_t i = 0; i < places.size(); ++i) {
            for_one_key(places[i], [&] {
                if(const auto* const error = std::get_if<Error>(&found[i])) {
                    throw Error(*error);
                }
                auto key = std::make_shared<pkcs11::HsmKey>(token, pin, std::move(wanted[i].selector), wanted[i].fingerprint,
                                                            std::get<pkcs11::FoundKey>(found[i]), epoch);
                observe(*key);
                require_kind(refs[places[i]], key->spec());
                out[places[i]] = std::make_unique<pkcs11::HsmPrivateKey>(std::move(key));
            });
        }
        return out;
    });
}

KeyRef HsmBackend::adopt(const OptionValues& call) {
    return naming_backend(alias(), [&] {
        const auto options = completed(Phase::adopt, call);
        const auto wanted = hsm::adopted_key(options);
        const auto token = this->token();
        const auto found = token->with_session(pkcs11::SessionMode::read_only, pin_provider(options, *token),
                                               [&](const pkcs11::Session& session) {
                                                   return pkcs11::find_key(session, wanted, token->name());
                                               });
        const auto public_key = found.public_key;
        auto ref = reference({.label = found.label, .id = found.id}, *public_key);
        if(found.may_sign && ref.key().can_sign()) {
            // By its reference, so that it is seen to lead to the key.
            hsm::sign_once(*open(token, options, selector(ref), ref.fingerprint()));
        }
        return ref;
    });
}

std::unique_ptr<KeyWrapper> HsmBackend::open_wrapping_key(const std::string& label, const OptionValues& call) const {
    return naming_backend(alias(), [&] {
        const auto options = completed(Phase::use, call);
        const auto token = this->token();
        return pkcs11::aes_key_wrapper(token, pin_provider(options, *token), label, alias().str(), context_.observer);
    });
}

WrappingKeyInfo HsmBackend::create_wrapping_key(const std::string& label, const OptionValues& call) {
    return with_token(call, [&](auto& token, const auto& pin) { return hsm::create_wrapping_key(token, pin, label, locks_->making); });
}

std::vector<WrappingKeyInfo> HsmBackend::list_wrapping_keys(const OptionValues& call) const {
    return with_token(call, [](auto& token, const auto& pin) { return hsm::list_wrapping_keys(token, pin); });
}

void HsmBackend::remove_wrapping_key(const WrappingKeyInfo& key, const OptionValues& call) {
    with_token(call, [&](auto& token, const auto& pin) { hsm::remove_wrapping_key(token, pin, key); });
}

std::string HsmBackend::store_identity() const {
    return naming_backend(alias(), [&] {
        const auto& info = token()->info();
        return info.manufacturer + '\0' + info.model + '\0' + info.serial + '\0' + info.label;
    });
}

KeyListing HsmBackend::list(const OptionValues& call) const {
    return with_token(call, [&](auto& token, const auto& pin) {
        const auto keys = token.with_session(pkcs11::SessionMode::read_only, pin,
                                             [](const pkcs11::Session& session) { return pkcs11::list_keys(session); });
        return hsm::listing(alias(), token, keys);
    });
}

void HsmBackend::remove(const KeyRef& ref, const OptionValues& call) {
    with_token(call, [&, wanted = naming_backend(alias(), [&] { return selector(ref); })](auto& token, const auto& pin) {
        hsm::require_removes_keys(token);
        hsm::remove_key(token, pin, wanted, ref.fingerprint());
    });
}

}  // namespace

BackendType hsm_backend() {
    return {.name = std::string(type_name),
            .title = "a PKCS#11 token: an HSM, a smart card, SoftHSM",
            .options = hsm::option_table(),
            .open = [](const BackendAlias& alias,
                       std::shared_ptr<const OptionTable> table,
                       OptionValues settings,
                       const BackendContext& context) -> std::unique_ptr<KeyBackend> {
                return std::make_unique<HsmBackend>(alias, std::move(table), std::move(settings), context);
            }};
}

std::optional<pkcs11::TokenCounters> hsm_counters(const KeyBackend& backend) {
    const auto* const hsm = dynamic_cast<const HsmBackend*>(&backend);
    return hsm == nullptr ? std::nullopt : hsm->counters();
}

}  // namespace keyway
