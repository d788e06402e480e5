// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/hsm/token_limits_internal.hpp>
#include <keyway/core/error.hpp>

#include <memory>
#include <utility>

namespace keyway::hsm {

const KnownKinds::Kinds& KnownKinds::of(pkcs11::Token& token, const pkcs11::PinProvider& pin) {
    if(const auto* const known = kinds_.load(std::memory_order_acquire)) {
        return *known;
    }
    auto asked = std::make_unique<Kinds>();
    token.at_slot(pin, [&](pkcs11::FunctionList& calls, CK_SLOT_ID slot) {
        asked->of_token = pkcs11::ask_kinds(calls, slot, token.quirks());
    });
    asked->either = asked->of_token.either();
    const Kinds* known = nullptr;
    if(kinds_.compare_exchange_strong(known, asked.get(), std::memory_order_acq_rel)) {
        return *asked.release();
    }
    return *known;  // another thread has asked meanwhile
}

const BackendCapabilities& kinds_for(const KnownKinds::Kinds& kinds, Making making) noexcept {
    switch(making) {
        case Making::generate:
            return kinds.of_token.made;
        case Making::import:
            return kinds.of_token.imported;
        case Making::unwrap:
            break;
    }
    return kinds.either;
}

std::optional<Error> ask_at_slot(pkcs11::Token& token,
                                 const pkcs11::PinProvider& pin,
                                 std::optional<Error> (*question)(pkcs11::FunctionList&, CK_SLOT_ID, std::string_view)) {
    std::optional<Error> answer;
    token.at_slot(pin, [&](pkcs11::FunctionList& calls, CK_SLOT_ID slot) { answer = question(calls, slot, token.name()); });
    return answer;
}

void require_lets_us_make_keys(const pkcs11::Token& token) {
    const auto& quirks = token.quirks();
    for(const auto& [tool, why] : {std::pair{&quirks.own_tools_make_keys, "its vendor's own attributes"},
                                   std::pair{&quirks.security_officer_makes_keys, "the security officer's login"}}) {
        if(*tool) {
            throw Error(Errc::unsupported, "making a key in " + token.name() + " needs " + why,
                        "make it by " + **tool + ", then adopt it: keyway key adopt");
        }
    }
}

void require_makes_keys(const pkcs11::Token& token, const KnownKinds::Kinds& kinds, const KeySpec& spec, Making making) {
    require_lets_us_make_keys(token);
    const bool generates = making == Making::generate;
    const auto& offered = kinds_for(kinds, making);
    if(offered.key_types.empty() && kinds.either.offers(spec)) {
        throw Error(Errc::unsupported, token.name() + (generates ? " makes no keys" : " takes no keys from elsewhere"),
                    generates ? "import the key: keyway key store" : "have the token make the key: keyway key create");
    }
}

void require_removes_keys(const pkcs11::Token& token) {
    if(const auto& tool = token.quirks().security_officer_makes_keys) {
        throw Error(Errc::unsupported, "removing a key of " + token.name() + " needs the security officer's login",
                    "remove it by the tools that make keys there: " + *tool);
    }
}

}  // namespace keyway::hsm
