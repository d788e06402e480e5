// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/keys/hsm_key_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace keyway::pkcs11 {

namespace {

/// How often in a row one operation may fail by the same return value, while the token and its login are there, before that is
/// told; and how often at all, as losses that are made good each time, or faults of many kinds, may be the work of others.
constexpr int most_of_one_kind = 8;
constexpr int most_failures = 32;

/// How many paddings are remembered for one key: a caller who varies the salt's length must not fill the memory.
constexpr int most_mechanisms = 16;

/// What is asked after seldom enough to cost little, and often enough that a token which became useless is not believed for long.
constexpr std::uint32_t answers_without_proof = 32;
constexpr std::chrono::seconds time_without_proof{60};

std::uint64_t next_number() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

bool KeyOperation::is_refusal(CK_RV result) const noexcept {
    switch(result) {
        case CKR_KEY_FUNCTION_NOT_PERMITTED:
        case CKR_KEY_SIZE_RANGE:
        case CKR_KEY_TYPE_INCONSISTENT:
        case CKR_MECHANISM_INVALID:
            return true;
        default:
            return false;
    }
}

HsmKey::HsmKey(std::shared_ptr<Token> token,
               PinProvider pin,
               KeySelector selector,
               const SpkiFingerprint& fingerprint)
    : token_(std::move(token)),
      pin_(std::move(pin)),
      selector_(std::move(selector)),
      fingerprint_(fingerprint),
      spec_(KeySpec::parse("ed25519")) {
    token_->with_session(SessionMode::read_only, pin_, [&](const Session& session) {
        const auto epoch = token_->epoch();
        const auto found = find_key(session, selector_, fingerprint_, token_->name());
        spec_ = KeySpec::of(*found.public_key);
        public_key_ = found.public_key;
        take_usage(found);
        take(found, epoch, token_->new_deadline());
    });
}

HsmKey::HsmKey(std::shared_ptr<Token> token,
               PinProvider pin,
               KeySelector selector,
               const SpkiFingerprint& fingerprint,
               const FoundKey& found,
               std::uint64_t epoch)
    : token_(std::move(token)),
      pin_(std::move(pin)),
      selector_(std::move(selector)),
      fingerprint_(fingerprint),
      public_key_(found.public_key),
      spec_(KeySpec::of(*found.public_key)),
      always_authenticate_(found.always_authenticate) {
    take_usage(found);
    token_->count_find();
    publish({.number = next_number(), .epoch = epoch, .handle = found.private_object});
}

HsmKey::~HsmKey() {
    const auto* next = mechanisms_.load(std::memory_order_acquire);
    while(next != nullptr) {
        delete std::exchange(next, next->next);
    }
}

void HsmKey::prove(std::uint64_t finding) noexcept {
    proven_.store(finding, std::memory_order_release);
    answers_since_proof_.store(0, std::memory_order_relaxed);
    proven_at_.store(Deadline::Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
}

bool HsmKey::proof_is_due() noexcept {
    const Deadline::Clock::time_point last{Deadline::Clock::duration(proven_at_.load(std::memory_order_relaxed))};
    return answers_since_proof_.fetch_add(1, std::memory_order_relaxed) + 1 >= answers_without_proof ||
           Deadline::Clock::now() - last >= time_without_proof;
}

void HsmKey::observe(std::string backend, KeyUseObserver observer) {
    teller_.emplace(std::move(backend), name(), fingerprint_, std::move(observer));
}

void HsmKey::use_observed(std::string_view operation, const std::function<Done()>& work) {
    static_cast<void>(teller_->tell(operation, [&](KeyUse& use) {
        const auto done = within_one_deadline(work);
        token_->count_operation(done.repeated, done.unproven);
        use.failures = done.failures;
        use.repeated = done.repeated;
        use.verified = done.unproven;
        return done;
    }));
}

void HsmKey::take_usage(const FoundKey& found) noexcept {
    may_sign_ = found.may_sign;
    may_decrypt_ = found.may_decrypt;
    may_derive_ = found.may_derive;
}

const SigningMechanism* HsmKey::signing_mechanism(std::string_view padding) {
    const auto* const head = mechanisms_.load(std::memory_order_acquire);
    for(const auto* known = head; known != nullptr; known = known->next) {
        if(known->padding == padding) {
            return &known->how;
        }
    }
    if(head != nullptr && head->length >= most_mechanisms) {
        return nullptr;
    }
    auto made = std::make_unique<KnownMechanism>(
        KnownMechanism{.padding = std::string(padding), .how = pkcs11::signing_mechanism(spec_, padding)});
    // Two threads may add the same one: that is no harm.
    const auto* first = head;
    do {
        made->next = first;
        made->length = first == nullptr ? 1 : first->length + 1;
    } while(!mechanisms_.compare_exchange_weak(first, made.get(), std::memory_order_acq_rel));
    return &made.release()->how;
}

std::string HsmKey::name() const {
    return "key " + selector_.to_string() + " in " + token_->name();
}

HsmKey::Finding HsmKey::current() const noexcept {
    for(;;) {
        Finding out;
        out.number = number_.load(std::memory_order_acquire);
        out.epoch = epoch_.load(std::memory_order_acquire);
        out.handle = handle_.load(std::memory_order_acquire);
        if(out.number != 0 && out.number == number_.load(std::memory_order_relaxed)) [[likely]] {
            return out;
        }
    }
}

void HsmKey::publish(const Finding& finding) noexcept {
    const auto forks = hold_back_forks();  // a child would wait for ever for a thread that it does not have
    number_.store(0, std::memory_order_relaxed);
    // Whoever reads one of these reads the 0, or the new number, after it.
    epoch_.store(finding.epoch, std::memory_order_release);
    handle_.store(finding.handle, std::memory_order_release);
    number_.store(finding.number, std::memory_order_release);
}

void HsmKey::take(const FoundKey& found, std::uint64_t epoch, const Deadline& deadline) {
    always_authenticate_ = found.always_authenticate;
    const auto copy = token_->copy_for_session(found.private_object, deadline);
    token_->count_find();
    publish({.number = next_number(),
             .epoch = epoch,
             .handle = copy == CK_INVALID_HANDLE ? found.private_object : copy});
}

HsmKey::Finding HsmKey::find_again(const SessionPool::Loan& loan, std::uint64_t outdated, const Deadline& deadline) {
    const std::unique_lock lock(token_->finding(this), deadline.at());
    if(!lock) {
        throw Error(Errc::timed_out, "the " + name() + " was not found again in time", "the token answers slowly; raise deadline-ms");
    }
    const auto latest = current();
    // The epoch is read before the key is looked for: when it changes meanwhile, the handle counts as stale.
    const auto epoch = token_->epoch();
    if(latest.number != outdated && latest.epoch == epoch) {
        return latest;
    }
    const auto look = [&] { return find_key(loan.session(), selector_, fingerprint_, token_->name()); };
    // Finding takes several calls, between which the token may have changed: what is wrong has to be so twice.
    const auto since = Deadline::Clock::now();
    const auto look_twice = [&] {
        try {
            return look();
        } catch(const Error& error) {
            if(!may_have_changed_meanwhile(error)) {
                throw;
            }
            token_->require_sight(loan.session());
            return look();
        }
    };
    const auto found = [&] {
        try {
            return look_twice();
        } catch(const Error& error) {
            token_->tell("find", error, 0, since);
            throw;
        }
    }();
    token_->tell("find", {}, 0, since);
    take(found, epoch, deadline);
    return current();
}

CK_RV HsmKey::attempt(KeyOperation& operation, const Deadline& deadline, Attempts& state, Done& done) {
    state.seen = token_->epoch();
    state.used = 0;
    state.reached = false;
    std::optional<SessionPool::Loan> loan;
    if(const auto result = token_->borrow(deadline, pin_, loan); result != CKR_OK) {
        return result;
    }
    state.seen = token_->epoch();
    auto found = current();
    if(found.epoch != state.seen || found.number == state.stale) [[unlikely]] {
        try {
            found = find_again(*loan, found.number, deadline);
            state.fresh = found.number;
        } catch(const Error& error) {
            // Whoever is not logged in sees no private key.
            const bool hidden = may_have_changed_meanwhile(error) && token_->info().login_required &&
                                !loan->session().is_logged_in();
            // Nor did he for a moment, when somebody logged in again meanwhile.
            const bool changed = may_have_changed_meanwhile(error) && token_->epoch() != state.seen;
            const auto result = hidden    ? CKR_USER_NOT_LOGGED_IN
                                : changed ? CKR_KEY_HANDLE_INVALID
                                          : return_value_of(error);
            if(result == CKR_OK) {
                throw;
            }
            loan->discard(result);
            return result;
        }
    }
    auto& calls = token_->calls();
    const auto session = loan->session().handle();
    auto result = operation.begin(
        calls, session, {.object = found.handle, .finding = found.number, .is_fresh = found.number == state.fresh});
    if(result == CKR_OK && always_authenticate_.load(std::memory_order_relaxed) && operation.takes_login()) [[unlikely]] {
        result = token_->log_in_for_operation(*loan, pin_, deadline);
    }
    if(result == CKR_OK) {
        state.reached = true;
        result = operation.finish(calls, session);
    }
    if(result != CKR_OK) [[unlikely]] {
        // The failed operation may still be active in this session.
        if(!token_->cancel(loan->session(), operation.kind(), result)) {
            loan->discard(result);
        }
        state.used = found.number;
        return result;
    }
    done.finding = found.number;
    // Sessions and handles of a token that was found again meanwhile may have changed hands under this call.
    done.unproven = proven_.load(std::memory_order_acquire) != found.number || token_->epoch() != found.epoch ||
                    token_->limits().verify_signatures;
    return CKR_OK;
}

HsmKey::Done HsmKey::perform(KeyOperation& operation, std::uint64_t distrusted) {
    const auto deadline = token_->new_deadline();
    Done done;
    Attempts state{.stale = distrusted};
    CK_RV before = CKR_OK;
    int of_one_kind = 0;
    for(int failures = 1;; ++failures) {
        const auto result = attempt(operation, deadline, state, done);
        if(result == CKR_OK) [[likely]] {
            return done;
        }
        // By the call to which the handle was given.
        const bool refused = state.used != 0 && (!state.reached || operation.kind() == 0) && operation.is_refusal(result);
        done.repeated = done.repeated || (state.reached && !refused);
        done.failures = failures;
        const auto failure = call_failed(result, std::string(operation.doing()) + " the " + name());
        of_one_kind = result == before ? of_one_kind + 1 : 1;
        before = result;
        if(of_one_kind >= most_of_one_kind || failures >= most_failures || deadline.passed()) {
            token_->count_failure(failure);
            throw failure;
        }
        if(refused && state.used != state.fresh) {
            token_->count_failure(failure, failures);
            state.stale = state.used;
            continue;
        }
        token_->recover(failure, state.seen, failures, pin_, deadline);
        // A login that is missing though it is there begins an epoch each time: that is no loss.
        if(token_->epoch() != state.seen && remedy_for(result) != Remedy::log_in) {
            of_one_kind = 0;
        }
        if(remedy_for(result) == Remedy::find_key && state.used != 0) {
            state.stale = state.used;
        }
    }
}

}  // namespace keyway::pkcs11
