// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_spec.hpp>
#include <keyway/key/spki_fingerprint.hpp>
#include <keyway/key/use_teller_internal.hpp>
#include <keyway/pkcs11/mechanisms_internal.hpp>
#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace keyway::pkcs11 {

/// A private object, as an operation is given it.
struct KeyHandle {
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    std::uint64_t finding = 0;
    bool is_fresh = false;  ///< found by this operation: what the token says of it is to be believed
};

/// One use of a private key, in two calls as PKCS#11 has it. It is started again from the beginning when a call fails.
class KeyOperation {
public:
    KeyOperation() = default;
    KeyOperation(const KeyOperation&) = delete;
    KeyOperation& operator=(const KeyOperation&) = delete;

    /// C_SignInit or the like.
    [[nodiscard]] virtual CK_RV begin(FunctionList& calls, CK_SESSION_HANDLE session, const KeyHandle& key) = 0;
    /// C_Sign or the like, which is when the token works with the key.
    [[nodiscard]] virtual CK_RV finish(FunctionList& calls, CK_SESSION_HANDLE session) = 0;

    /// For messages: "sign with", to come before the key's name.
    [[nodiscard]] virtual std::string_view doing() const noexcept = 0;

    /// What begin() begins, for C_SessionCancel: CKF_SIGN or the like; 0 when it begins nothing.
    [[nodiscard]] virtual CK_FLAGS kind() const noexcept = 0;

    /// Whether a key with CKA_ALWAYS_AUTHENTICATE wants the PIN between the two: not where begin() begins nothing.
    [[nodiscard]] virtual bool takes_login() const noexcept { return true; }

    /// Whether the call to which the handle is given says by this that the object is of no use for it. The handle may have become
    /// another object's: it is found anew, once, before that is believed.
    [[nodiscard]] virtual bool is_refusal(CK_RV result) const noexcept;

    /// What its answers are when none is the key's; they are not needed any more.
    [[nodiscard]] virtual Error no_proof() = 0;

protected:
    ~KeyOperation() = default;
};

/// A private key in a token: how to find it, and its handle once found.
/// @threadsafety safe: each operation borrows a session of its own
class HsmKey {
public:
    /// Finds the key.
    /// @throws as find_key
    HsmKey(std::shared_ptr<Token> token, PinProvider pin, KeySelector selector, const SpkiFingerprint& fingerprint);

    /// Takes a key that was found just now, in this epoch of the token.
    HsmKey(std::shared_ptr<Token> token,
           PinProvider pin,
           KeySelector selector,
           const SpkiFingerprint& fingerprint,
           const FoundKey& found,
           std::uint64_t epoch);

    HsmKey(const HsmKey&) = delete;
    HsmKey& operator=(const HsmKey&) = delete;
    ~HsmKey();

    /// Has an observer told of each use; before the key is used.
    void observe(std::string backend, KeyUseObserver observer);

    /// How the key signs with a padding of Botan's; kept with the key, as making it up takes longer than some signatures.
    ///
    /// @return null when it is not kept, as the key has been used with too many
    /// @throws Errc::unsupported when the key cannot sign so
    [[nodiscard]] const SigningMechanism* signing_mechanism(std::string_view padding);

    /// How an operation came out.
    struct Done {
        std::uint64_t finding = 0;  ///< which finding of the key it was done with
        bool unproven = false;      ///< nobody has seen yet, since the key was found, that an answer is the key's
        bool repeated = false;      ///< the token may have done it more than once
        int failures = 0;
    };

    /// Does it, over whatever can be got over until the token's deadline: lost sessions and logins, stale handles, a token that
    /// was away. The key is then found again and has to be the same one.
    ///
    /// @param distrusted a finding that is not to be used: it came out with another key's signature
    /// @throws Errc::key_mismatch when another key is in its place, or the error of the last return value
    [[nodiscard]] Done perform(KeyOperation& operation, std::uint64_t distrusted = 0);

    enum class Proof { where_needed, demanded };

    /// The same, and its answer is not handed out before it is seen to be the key's, where nobody has seen that of an answer since
    /// the key was found: a handle may have become another key's unnoticed. What it is worth is seen by finding the key again.
    ///
    /// @param is_the_keys whether the answer by that finding is the key's
    /// @throws as perform(), and operation.no_proof() when several in a row are not, each by a handle that was found anew
    template <typename IsTheKeys>
    [[nodiscard]] Done perform_proven(KeyOperation& operation, const IsTheKeys& is_the_keys, Proof proof = Proof::where_needed) {
        auto done = perform(operation);
        done.unproven = done.unproven || proof == Proof::demanded;
        if(!done.unproven) [[likely]] {
            return done;
        }
        int failures = done.failures;
        for(int wrong = 1; !is_the_keys(done.finding); ++wrong) {
            if(wrong == most_wrong || token_->new_deadline().passed()) {
                throw operation.no_proof();
            }
            const auto distrusted = done.finding;
            done = perform(operation, distrusted);
            failures += done.failures + 1;
            done.repeated = true;
        }
        prove(done.finding);
        done.unproven = true;
        done.failures = failures;
        return done;
    }

    /// Whether the next answer is to be proven although its finding is, where the answers themselves do not show that the token
    /// still does it right: the 32nd since the last proof, or one a minute after it. What the answers were plays no part, so that
    /// nobody learns of them by how long the next one takes.
    [[nodiscard]] bool proof_is_due() noexcept;

    /// That raw RSA was refused with that finding, when it was new; kept, so that the key is not found anew each time.
    void note_no_raw(std::uint64_t finding) noexcept { no_raw_.store(finding, std::memory_order_relaxed); }
    [[nodiscard]] bool has_no_raw(std::uint64_t finding) const noexcept {
        return no_raw_.load(std::memory_order_relaxed) == finding;
    }

    /// One use of the key, from a user's point of view: counted, and told to the observer. However many operations it takes, they
    /// have the deadline of one.
    /// @param operation "sign", "decrypt", "agree"
    /// @param work performs it, and answers a Done
    template <typename Work>
    void use(std::string_view operation, const Work& work) {
        if(teller_) [[unlikely]] {
            use_observed(operation, work);
            return;
        }
        const auto done = within_one_deadline(work);
        token_->count_operation(done.repeated, done.unproven);
    }

    [[nodiscard]] const Botan::Public_Key& public_key() const noexcept { return *public_key_; }
    [[nodiscard]] const KeySpec& spec() const noexcept { return spec_; }
    [[nodiscard]] Token& token() const noexcept { return *token_; }

    /// Whether the token offers a mechanism for a use; true when it does not answer.
    /// @throws as Token::offers
    [[nodiscard]] bool offers(CK_MECHANISM_TYPE mechanism, CK_FLAGS use) const {
        return token_->offers(mechanism, use, pin_).value_or(true);
    }

    // As the token said when the key was first found.
    [[nodiscard]] bool may_sign() const noexcept { return may_sign_; }
    [[nodiscard]] bool may_decrypt() const noexcept { return may_decrypt_; }
    [[nodiscard]] bool may_derive() const noexcept { return may_derive_; }

    /// For messages: `key with label "root" in token "ca"`.
    [[nodiscard]] std::string name() const;

private:
    /// The private object as it was found. Numbers are never used twice in a process, and 0 is none.
    struct Finding {
        std::uint64_t number = 0;
        std::uint64_t epoch = 0;
        CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    };

    /// How many answers in a row may be wrong before that is the error.
    static constexpr int most_wrong = 5;

    /// An answer of that finding was seen to be the key's: the handle is.
    void prove(std::uint64_t finding) noexcept;

    template <typename Work>
    [[nodiscard]] Done within_one_deadline(const Work& work) const {
        const auto deadline = token_->new_deadline();
        const Token::OneDeadline one(deadline);
        return work();
    }
    void use_observed(std::string_view operation, const std::function<Done()>& work);
    void take_usage(const FoundKey& found) noexcept;
    [[nodiscard]] Finding current() const noexcept;
    void publish(const Finding& finding) noexcept;
    void take(const FoundKey& found, std::uint64_t epoch, const Deadline& deadline);

    /// Finds the key unless another thread just did so since `outdated` was found.
    [[nodiscard]] Finding find_again(const SessionPool::Loan& loan, std::uint64_t outdated, const Deadline& deadline);
    /// Of one operation, which may take several attempts.
    struct Attempts {
        std::uint64_t stale = 0;  ///< the finding whose handle was refused
        std::uint64_t fresh = 0;  ///< the one that was found by this operation

        // Of the last attempt.
        std::uint64_t seen = 0;   ///< the token's epoch
        std::uint64_t used = 0;   ///< the finding that it failed with; 0 when it did not get so far
        bool reached = false;     ///< the token may have done it
    };
    [[nodiscard]] CK_RV attempt(KeyOperation& operation, const Deadline& deadline, Attempts& state, Done& done);

    struct KnownMechanism {
        std::string padding;
        SigningMechanism how;
        const KnownMechanism* next = nullptr;
        int length = 1;  // of the list from here
    };

    std::shared_ptr<Token> token_;
    PinProvider pin_;
    KeySelector selector_;
    SpkiFingerprint fingerprint_;
    std::shared_ptr<const Botan::Public_Key> public_key_;
    KeySpec spec_;
    std::optional<UseTeller> teller_;
    bool may_sign_ = true;
    bool may_decrypt_ = true;
    bool may_derive_ = true;
    std::atomic<bool> always_authenticate_{false};

    /// Grows at its head and is freed with the key, so that it is read without a lock.
    std::atomic<const KnownMechanism*> mechanisms_{nullptr};

    // Read by every operation without a lock: number is 0 while the others change, and read before and after them.
    std::atomic<std::uint64_t> number_{0};
    std::atomic<std::uint64_t> epoch_{0};
    std::atomic<CK_OBJECT_HANDLE> handle_{CK_INVALID_HANDLE};
    std::atomic<std::uint64_t> proven_{0};

    std::atomic<std::uint64_t> no_raw_{0};
    std::atomic<std::uint32_t> answers_since_proof_{0};
    std::atomic<Deadline::Clock::rep> proven_at_{0};
};

}  // namespace keyway::pkcs11
