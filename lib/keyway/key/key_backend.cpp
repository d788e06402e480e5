// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/key/key_backend.hpp>
#include <keyway/key/offered_kinds_internal.hpp>
#include <keyway/key/paged_key_lister.hpp>

#include <algorithm>
#include <utility>

namespace keyway {

KeyBackend::~KeyBackend() = default;
KeyLister::~KeyLister() = default;
KeyAdopter::~KeyAdopter() = default;
KeyBulkOpener::~KeyBulkOpener() = default;
KeyRemover::~KeyRemover() = default;
PagedKeyLister::~PagedKeyLister() = default;

const KeyLister& lister_of(const KeyBackend& backend) {
    if(const auto* const lister = dynamic_cast<const KeyLister*>(&backend)) {
        return *lister;
    }
    throw Error(Errc::unsupported, "the backend " + in_quotes(backend.alias().str()) + " cannot list its keys",
                "name the key by its reference")
        .in_backend(backend.alias().str());
}

KeyListing keys_with_label(const KeyBackend& backend, const OptionValues& options, const std::string& label) {
    if(const auto* const paged = dynamic_cast<const PagedKeyLister*>(&backend)) {
        return paged->list_label(label, options);
    }
    auto listing = lister_of(backend).list(options);
    std::erase_if(listing.keys, [&](const KeyInfo& key) { return key.label != label; });
    return listing;
}
NewKeyChecker::~NewKeyChecker() = default;

bool BackendCapabilities::offers(const KeySpec& key) const {
    if(std::ranges::find(key_types, key.type()) == key_types.end()) {
        return false;
    }
    switch(key.type()) {
        case KeyType::rsa:
            return key.bits() >= smallest_rsa_bits && key.bits() <= largest_rsa_bits;
        case KeyType::ec:
            return std::ranges::find(curves, key.curve()) != curves.end();
        case KeyType::ed25519:
        case KeyType::ed448:
        case KeyType::x25519:
        case KeyType::x448:
        case KeyType::ml_dsa:
        case KeyType::slh_dsa:
        case KeyType::dsa:
            return true;
    }
    return false;
}

bool BackendCapabilities::offers_import(const KeySpec& key) const {
    return offers(key) || std::ranges::find(import_only, key.type()) != import_only.end();
}

BackendCapabilities BackendCapabilities::everything() {
    BackendCapabilities all;
    all.key_types = {KeyType::rsa,    KeyType::ec,   KeyType::ed25519, KeyType::ed448,
                     KeyType::x25519, KeyType::x448, KeyType::ml_dsa,  KeyType::slh_dsa};
    for(const auto& name : KeySpec::known_names()) {
        if(name != "rsa-BITS") {
            if(const auto spec = KeySpec::parse(name); spec.type() == KeyType::ec) {
                all.curves.push_back(spec.curve());
            }
        }
    }
    return all;
}

KeyBackend::KeyBackend(BackendAlias alias, std::shared_ptr<const OptionTable> table, OptionValues settings)
    : alias_(std::move(alias)), table_(std::move(table)), settings_(std::move(settings)) {}

OptionValues KeyBackend::completed(Phase phase, const OptionValues& call) const {
    for(const auto& [name, entry] : call.entries()) {
        const auto* const option = table_->find(name);
        if(option == nullptr || !option->phases.contains(phase)) {
            throw Error(Errc::invalid_option,
                        "the option " + in_quotes(name) + " does not belong to the phase " + std::string(to_string(phase)) +
                            " of backend " + in_quotes(alias_.str()))
                .in_backend(alias_.str());
        }
    }
    return call.completed(*table_, phase, settings_);
}

std::string offered_kinds(const BackendCapabilities& offered) {
    std::string list;
    for(const auto& name : KeySpec::known_names()) {
        if(name != "rsa-BITS" && offered.offers(KeySpec::parse(name))) {
            list += (list.empty() ? "" : ", ") + name;
        }
    }
    if(std::ranges::find(offered.key_types, KeyType::rsa) != offered.key_types.end()) {
        list += (list.empty() ? "" : ", and ") + ("RSA of " + std::to_string(offered.smallest_rsa_bits)) + " to " +
                std::to_string(offered.largest_rsa_bits) + " bits";
    }
    return list.empty() ? "it holds no kind of key that Keyway knows" : "it offers: " + list;
}

void KeyBackend::require_offered(const KeySpec& spec, const BackendCapabilities& offered) const {
    if(offered.offers(spec)) {
        return;
    }
    if(offered.offers_import(spec)) {
        throw Error(Errc::unsupported,
                    "the backend " + in_quotes(alias_.str()) + " makes no key of type " + in_quotes(spec.to_string()) +
                        ": such keys are for import only",
                    "the standard for signatures gives new DSA keys up (FIPS 186-5): make an EC or Ed25519 key, or import the DSA key"
                    " with `keyway key store`")
            .in_backend(alias_.str());
    }
    throw Error(Errc::unsupported,
                "the backend " + in_quotes(alias_.str()) + " cannot hold a key of type " + in_quotes(spec.to_string()),
                offered_kinds(offered))
        .in_backend(alias_.str());
}

void KeyBackend::require_importable(const KeySpec& spec) const {
    if(!capabilities().offers_import(spec)) {
        require_offered(spec);
    }
}

void KeyBackend::require_own(const KeyRef& ref, std::string_view backend_type) const {
    if(ref.backend_type() != backend_type) {
        throw Error(Errc::key_mismatch,
                    "the key reference is for a backend of type " + in_quotes(ref.backend_type()) + ", but " +
                        in_quotes(alias_.str()) + " is of type " + in_quotes(backend_type),
                    "use the backend " + in_quotes(ref.backend().str()) + ", or correct its type in the settings")
            .in_backend(alias_.str());
    }
}

void KeyBackend::require_kind(const KeyRef& ref, const KeySpec& found) const {
    if(found != ref.key()) {
        throw Error(Errc::key_mismatch,
                    "the key reference says " + in_quotes(ref.key().to_string()) + ", but the key is of type " +
                        in_quotes(found.to_string()),
                    "the reference was changed; take it from a listing of the backend's keys")
            .in_backend(alias_.str());
    }
}

}  // namespace keyway
