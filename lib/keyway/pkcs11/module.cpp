// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/module_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <botan/mac.h>
#include <botan/mem_ops.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <span>
#include <utility>

namespace keyway::pkcs11 {

namespace {

using Digest = Botan::secure_vector<std::uint8_t>;

/// The one global of the library: modules are process-wide in PKCS#11 itself, and so is a token's count of wrong PINs.
struct ModuleTable {
    std::mutex mutex;
    std::map<std::string, std::weak_ptr<Module>> modules;
    Botan::secure_vector<std::uint8_t> pin_key;
    std::map<std::string, std::vector<Digest>> rejected_pins;
    std::map<std::string, std::mutex> logins;  // a map does not move what it holds
};

std::atomic<bool> exiting{false};

/// Handlers run in reverse order of registration. Registered after the first module was initialised, this one runs before
/// anything of that module or of what it uses is torn down, and objects made later go before this one, which is as well.
void watch_for_exit() {
    static const int registered = std::atexit([] { exiting = true; });
    static_cast<void>(registered);
}

/// Never destroyed, so that nothing of it runs in a static destructor.
ModuleTable& table() {
    static auto* const instance = new ModuleTable;
    return *instance;
}

template <std::size_t N>
std::string padded_text(const unsigned char (&field)[N]) {
    std::string text(std::begin(field), std::end(field));
    text.resize(std::min(text.find('\0'), text.size()));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

TokenInfo to_token_info(CK_SLOT_ID slot, const CK_TOKEN_INFO& raw) {
    const auto has = [&](CK_FLAGS flag) { return (raw.flags & flag) != 0; };
    TokenInfo info;
    info.slot = slot;
    info.label = padded_text(raw.label);
    info.serial = padded_text(raw.serialNumber);
    info.manufacturer = padded_text(raw.manufacturerID);
    info.model = padded_text(raw.model);
    info.initialized = has(CKF_TOKEN_INITIALIZED);
    info.login_required = has(CKF_LOGIN_REQUIRED);
    info.write_protected = has(CKF_WRITE_PROTECTED);
    info.user_pin_initialized = has(CKF_USER_PIN_INITIALIZED);
    info.user_pin_count_low = has(CKF_USER_PIN_COUNT_LOW);
    info.user_pin_final_try = has(CKF_USER_PIN_FINAL_TRY);
    info.user_pin_locked = has(CKF_USER_PIN_LOCKED);
    info.shortest_pin = raw.ulMinPinLen;
    info.longest_pin = raw.ulMaxPinLen;
    const auto most = raw.ulMaxSessionCount;
    if(most != CK_EFFECTIVELY_INFINITE && most != CK_UNAVAILABLE_INFORMATION) {
        info.most_sessions = most;
    }
    return info;
}

Error cannot_load(const std::string& name, const std::string& why) {
    return {Errc::token_not_found, "cannot load the PKCS#11 module " + in_quotes(name) + ": " + why,
            "give the path of the module's library, or a name that `p11-kit list-modules` shows"};
}

FunctionList* load_by_path(const std::string& path) {
    // Without P11_KIT_MODULE_UNMANAGED: a managed module is reference counted, initialised with locking, and safe to
    // share with other users of p11-kit in this process.
    auto* const calls = p11_kit_module_load(path.c_str(), 0);
    if(calls == nullptr) {
        const char* const why = p11_kit_message();
        throw cannot_load(path, why == nullptr ? "it is no PKCS#11 module" : why);
    }
    return calls;
}

FunctionList* load_by_name(const std::string& name) {
    auto** const all = p11_kit_modules_load(nullptr, 0);
    if(all == nullptr) {
        const char* const why = p11_kit_message();
        throw cannot_load(name, why == nullptr ? "p11-kit has no modules" : why);
    }
    auto* const wanted = p11_kit_module_for_name(all, name.c_str());
    std::string names;
    for(auto** module = all; *module != nullptr; ++module) {
        if(char* const other = p11_kit_module_get_name(*module)) {
            names += (names.empty() ? "" : ", ") + std::string(other);
            std::free(other);
        }
        if(*module != wanted) {
            p11_kit_module_release(*module);
        }
    }
    std::free(all);  // the list itself; its modules were released above, but for the one wanted
    if(wanted == nullptr) {
        throw cannot_load(name, "p11-kit knows no module of that name (it knows: " + names + ")");
    }
    return wanted;
}

std::string pin_owner(const TokenInfo& token) {
    return token.manufacturer + '\n' + token.model + '\n' + token.serial + '\n' + token.label;
}

Digest pin_digest(ModuleTable& owner, const Secret& pin) {
    if(owner.pin_key.empty()) {
        owner.pin_key = Botan::system_rng().random_vec(32);
    }
    const auto mac = Botan::MessageAuthenticationCode::create_or_throw("HMAC(SHA-256)");
    mac->set_key(owner.pin_key);
    mac->update(pin.reveal_bytes());
    return mac->final();
}

}  // namespace

std::shared_ptr<Module> Module::open(const std::string& path_or_name) {
    auto& owner = table();
    const std::lock_guard lock(owner.mutex);
    auto& entry = owner.modules[path_or_name];
    auto module = entry.lock();
    if(!module) {
        module = std::make_shared<Module>(path_or_name);
        entry = module;
    }
    return module;
}

Module::Module(const std::string& path_or_name)
    : name_(path_or_name),
      calls_(path_or_name.find('/') != std::string::npos ? load_by_path(path_or_name) : load_by_name(path_or_name)) {
    const auto result = p11_kit_module_initialize(calls_);
    // Somebody else in this process may have initialised it without p11-kit; that is as good.
    if(result != CKR_OK && result != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        p11_kit_module_release(calls_);
        auto error = call_failed(result, "initialise the PKCS#11 module " + in_quotes(name_));
        throw Error(error.code(), error.message(),
                    "its configuration may be missing or unreadable (SoftHSM: SOFTHSM2_CONF)")
            .with_return_value(error.return_value());
    }
    watch_for_exit();
}

Module::~Module() {
    if(process_is_exiting()) {
        return;
    }
    p11_kit_module_finalize(calls_);
    p11_kit_module_release(calls_);
}

std::vector<TokenInfo> Module::tokens() const {
    const std::lock_guard lock(slots_);
    std::vector<CK_SLOT_ID> slots;
    for(;;) {
        CK_ULONG count = 0;
        auto result = calls_->C_GetSlotList(CK_TRUE, nullptr, &count);
        if(result == CKR_OK && count > 0) {
            slots.resize(count);
            result = calls_->C_GetSlotList(CK_TRUE, slots.data(), &count);
        }
        if(result == CKR_BUFFER_TOO_SMALL) {
            continue;  // a token was put in between the two calls
        }
        if(result != CKR_OK) {
            throw call_failed(result, "list the slots of module " + in_quotes(name_));
        }
        slots.resize(count);
        break;
    }
    std::vector<TokenInfo> tokens;
    for(const auto slot : slots) {
        CK_TOKEN_INFO raw{};
        if(calls_->C_GetTokenInfo(slot, &raw) == CKR_OK) {  // else the token went away meanwhile
            tokens.push_back(to_token_info(slot, raw));
        }
    }
    return tokens;
}

TokenInfo Module::token_in(CK_SLOT_ID slot) const {
    const std::lock_guard lock(slots_);
    CK_TOKEN_INFO raw{};
    if(const auto result = calls_->C_GetTokenInfo(slot, &raw); result != CKR_OK) {
        throw call_failed(result, "read the token in slot " + std::to_string(slot));
    }
    return to_token_info(slot, raw);
}

bool process_is_exiting() noexcept {
    return exiting;
}

std::unique_lock<std::mutex> RejectedPins::lock_logins(const TokenInfo& token) {
    auto& owner = table();
    std::mutex* mutex = nullptr;
    {
        const std::lock_guard lock(owner.mutex);
        mutex = &owner.logins[pin_owner(token)];
    }
    return std::unique_lock(*mutex);
}

bool RejectedPins::contains(const TokenInfo& token, const Secret& pin) {
    auto& owner = table();
    const std::lock_guard lock(owner.mutex);
    const auto found = owner.rejected_pins.find(pin_owner(token));
    if(found == owner.rejected_pins.end()) {
        return false;
    }
    const auto digest = pin_digest(owner, pin);
    return std::ranges::any_of(found->second, [&](const Digest& known) {
        return Botan::constant_time_compare(known, digest);
    });
}

void RejectedPins::add(const TokenInfo& token, const Secret& pin) {
    auto& owner = table();
    const std::lock_guard lock(owner.mutex);
    owner.rejected_pins[pin_owner(token)].push_back(pin_digest(owner, pin));
}

void RejectedPins::forget(const TokenInfo& token) {
    auto& owner = table();
    const std::lock_guard lock(owner.mutex);
    owner.rejected_pins.erase(pin_owner(token));
}

}  // namespace keyway::pkcs11
