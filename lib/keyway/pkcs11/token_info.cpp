// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/token_info.hpp>

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

}  // namespace

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
                    initialized.empty() ? "it shows no initialised token at all: check the module's configuration (SoftHSM: "
                                          "SOFTHSM2_CONF), or make one with: keyway token init"
                                        : "there are: " + describe_all(initialized));
    }
    throw Error(Errc::token_ambiguous,
                "module " + in_quotes(module_name) + " has " + std::to_string(fitting.size()) + " tokens " +
                    selector.to_string(),
                "name one by its serial: " + describe_all(fitting));
}

}  // namespace keyway::pkcs11
