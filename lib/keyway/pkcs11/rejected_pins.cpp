// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/fork_watch_internal.hpp>
#include <keyway/pkcs11/rejected_pins_internal.hpp>

#include <botan/mac.h>
#include <botan/mem_ops.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace keyway::pkcs11 {

namespace {

using Digest = Botan::secure_vector<std::uint8_t>;

/// A token counts wrong PINs of the whole process, so this has to be global. What it holds is touched only while forks are
/// held back, so that a child finds it whole, and knows what its parent knew.
class PinTable final : public ForkAware {
public:
    PinTable() { watch_forks(); }

    Botan::secure_vector<std::uint8_t> key;
    std::map<std::string, std::vector<Digest>> rejected;

    TimedMutex& login_of(const std::string& owner) { return (*logins_)[owner]; }

    void begin_anew_in_child() noexcept override { logins_ = new std::map<std::string, TimedMutex>; }

private:
    // A map does not move what it holds.
    std::map<std::string, TimedMutex>* logins_ = new std::map<std::string, TimedMutex>;
};

/// Never destroyed, so that nothing of it runs in a static destructor.
PinTable& table() {
    static auto* const instance = new PinTable;
    return *instance;
}

std::string owner_of(const TokenInfo& token) {
    return token.manufacturer + '\n' + token.model + '\n' + token.serial + '\n' + token.label;
}

Digest digest_of(PinTable& pins, std::string_view user_name, const Secret& pin) {
    if(pins.key.empty()) {
        pins.key = Botan::system_rng().random_vec(32);
    }
    const auto mac = Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
    mac->set_key(pins.key);
    mac->update_be(static_cast<std::uint64_t>(user_name.size()));
    mac->update(user_name);
    mac->update(pin.reveal_bytes());
    return mac->final();
}

}  // namespace

std::unique_lock<TimedMutex> RejectedPins::lock_logins(const TokenInfo& token, const Deadline& deadline) {
    auto& pins = table();
    TimedMutex* mutex = nullptr;
    {
        const auto forks = hold_back_forks();
        mutex = &pins.login_of(owner_of(token));
    }
    std::unique_lock lock(*mutex, deadline.at());
    if(!lock) {
        throw Error(Errc::timed_out, "somebody else has been logging in to token " + in_quotes(token.label) + " all the while",
                    "a question for a PIN may be waiting for its answer");
    }
    return lock;
}

bool RejectedPins::contains(const TokenInfo& token, std::string_view user_name, const Secret& pin) {
    auto& pins = table();
    const auto forks = hold_back_forks();
    const auto found = pins.rejected.find(owner_of(token));
    if(found == pins.rejected.end()) {
        return false;
    }
    const auto digest = digest_of(pins, user_name, pin);
    return std::ranges::any_of(found->second, [&](const Digest& known) {
        return Botan::constant_time_compare(known, digest);
    });
}

void RejectedPins::add(const TokenInfo& token, std::string_view user_name, const Secret& pin) {
    auto& pins = table();
    const auto forks = hold_back_forks();
    pins.rejected[owner_of(token)].push_back(digest_of(pins, user_name, pin));
}

void RejectedPins::forget(const TokenInfo& token) {
    auto& pins = table();
    const auto forks = hold_back_forks();
    pins.rejected.erase(owner_of(token));
}

}  // namespace keyway::pkcs11
