// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/key/key_spec.hpp>
#include <keyway/key/key_use.hpp>
#include <keyway/key/spki_fingerprint.hpp>
#include <keyway/pkcs11/mechanisms_internal.hpp>
#include <keyway/pkcs11/keys/key_objects_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace keyway::pkcs11 {

/// One use of a private key, in two calls as PKCS#11 has it. It is started again from the beginning when a call fails.
class KeyOperation {
public:
    KeyOperation() = default;
    KeyOperation(const KeyOperation&) = delete;
    KeyOperation& operator=(const KeyOperation&) = delete;

    /// C_SignInit or the like.
    [[nodiscard]] virtual CK_RV begin(FunctionList& calls, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) = 0;
    /// C_Sign or the like, which is when the token works with the key.
    [[nodiscard]] virtual CK_RV finish(FunctionList& calls, CK_SESSION_HANDLE session) = 0;

    /// For messages: "sign with", to come before the key's name.
    [[nodiscard]] virtual std::string_view doing() const noexcept = 0;

    /// What begin() begins, for C_SessionCancel: CKF_SIGN or the like; 0 when it begins nothing.
    [[nodiscard]] virtual CK_FLAGS kind() const noexcept = 0;

    /// Whether a key with CKA_ALWAYS_AUTHENTICATE wants the PIN between the two: not where begin() begins nothing.
    [[nodiscard]] virtual bool takes_login() const noexcept { return true; }

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

    /// One use of the key, from a user's point of view: counted, and told to the observer.
    /// @param operation "sign", "decrypt", "agree"
    /// @param work performs it, and answers a Done
    template <typename Work>
    void use(std::string_view operation, const Work& work) {
        if(observer_ != nullptr) [[unlikely]] {
            use_observed(operation, work);
            return;
        }
        const Done done = work();
        token_->count_operation(done.repeated, done.unproven);
    }

    /// An answer of that finding was seen to be the key's: the handle is.
    void prove(std::uint64_t finding) noexcept { proven_.store(finding, std::memory_order_release); }

    [[nodiscard]] const Botan::Public_Key& public_key() const noexcept { return *public_key_; }
    [[nodiscard]] const KeySpec& spec() const noexcept { return spec_; }
    [[nodiscard]] Token& token() const noexcept { return *token_; }

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

    void use_observed(std::string_view operation, const std::function<Done()>& work);
    void take_usage(const FoundKey& found) noexcept;
    [[nodiscard]] Finding current() const noexcept;
    void publish(const Finding& finding) noexcept;
    void take(const FoundKey& found, std::uint64_t epoch, const Deadline& deadline);

    /// Finds the key unless another thread just did so since `outdated` was found.
    [[nodiscard]] Finding find_again(const SessionPool::Loan& loan, std::uint64_t outdated, const Deadline& deadline);
    [[nodiscard]] CK_RV attempt(KeyOperation& operation, std::uint64_t& stale, const Deadline& deadline, Done& done,
                                std::uint64_t& seen, bool& reached);

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
    std::string backend_;
    std::string name_;
    std::string spki_sha256_;
    KeyUseObserver observer_;
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
};

}  // namespace keyway::pkcs11
