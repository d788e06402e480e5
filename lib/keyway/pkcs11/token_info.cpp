// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/token_info_internal.hpp>

#include <algorithm>
#include <iterator>

namespace keyway::pkcs11 {

namespace {

std::string describe(const TokenInfo& token) {
    return in_quotes(token.label) + " (serial " + token.serial + ")";
}

std::string describe_all(const std::vector<TokenInfo>& tokens) {
    std::string list;
    for(const auto& token : tokens) {
        list += (list.empty() ? "" : ", ") + describe(token);
    }
    return list;
}

template <std::size_t N>
std::string padded_text(const unsigned char (&field)[N]) {
    std::string text(std::begin(field), std::end(field));
    text.resize(std::min(text.find('\0'), text.size()));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

}  // namespace

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
    info.pin_pad = has(CKF_PROTECTED_AUTHENTICATION_PATH);
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

Uri TokenInfo::uri() const {
    Uri uri;
    const auto unless_empty = [](const std::string& text) {
        return text.empty() ? std::nullopt : std::optional(text);
    };
    uri.token = unless_empty(label);
    uri.serial = unless_empty(serial);
    uri.manufacturer = unless_empty(manufacturer);
    uri.model = unless_empty(model);
    return uri;
}

bool TokenSelector::fits(const TokenInfo& token) const {
    const auto same = [](const std::optional<std::string>& wanted, const std::string& found) {
        return !wanted || *wanted == found;
    };
    return same(label, token.label) && same(serial, token.serial) && same(manufacturer, token.manufacturer) &&
           same(model, token.model);
}

std::string TokenSelector::to_string() const {
    std::string text;
    const auto add = [&](std::string_view name, const std::optional<std::string>& value) {
        if(value) {
            text += (text.empty() ? "with " : " and ") + std::string(name) + " " + in_quotes(*value);
        }
    };
    add("label", label);
    add("serial", serial);
    add("manufacturer", manufacturer);
    add("model", model);
    return text.empty() ? "at all" : text;
}

TokenInfo select_token(const std::vector<TokenInfo>& tokens,
                       const TokenSelector& selector,
                       std::string_view module_name) {
    std::vector<TokenInfo> initialized;
    std::vector<TokenInfo> fitting;
    for(const auto& token : tokens) {
        if(!token.initialized) {
            continue;
        }
        initialized.push_back(token);
        if(selector.fits(token)) {
            fitting.push_back(token);
        }
    }
    if(fitting.size() == 1) {
        return fitting.front();
    }
    if(fitting.empty()) {
        throw Error(Errc::token_not_found,
                    "module " + in_quotes(module_name) + " has no token " + selector.to_string(),
                    !initialized.empty() ? "there are: " + describe_all(initialized)
                    : module_name.find("softokn") != std::string_view::npos
                        ? "it shows no initialised token at all: NSS wants the folder of its database in init-args: "
                          "configDir='sql:FOLDER'"
                        : "it shows no initialised token at all: check the module's configuration (SoftHSM: SOFTHSM2_CONF), or "
                          "make one with: keyway token init");
    }
    throw Error(Errc::token_ambiguous,
                "module " + in_quotes(module_name) + " has " + std::to_string(fitting.size()) + " tokens " +
                    selector.to_string(),
                "name one by its serial: " + describe_all(fitting));
}

}  // namespace keyway::pkcs11
