// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/key/certificate_keeper.hpp>
#include <keyway/key/key_filter.hpp>
#include <keyway/key/store_checker.hpp>
#include <keyway/key/store_identity.hpp>

#include <vector>

namespace keyway {

StoreChecker::~StoreChecker() = default;
StoreIdentity::~StoreIdentity() = default;
CertificateKeeper::~CertificateKeeper() = default;

namespace {

/// Goes back to the last `*` only, so that no pattern takes more than the product of the two lengths.
bool fits(std::string_view text, std::string_view pattern) {
    std::size_t at = 0;
    std::size_t in_pattern = 0;
    auto star = std::string_view::npos;
    std::size_t behind_star = 0;
    while(at < text.size()) {
        if(in_pattern < pattern.size() && pattern[in_pattern] == '*') {
            star = in_pattern++;
            behind_star = at;
        } else if(in_pattern < pattern.size() && pattern[in_pattern] == text[at]) {
            ++in_pattern;
            ++at;
        } else if(star != std::string_view::npos) {
            in_pattern = star + 1;
            at = ++behind_star;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

}  // namespace

KeyFilter KeyFilter::with_type(std::string_view type) const {
    auto copy = *this;
    if(type == "rsa" || type == "aes") {
        copy.type_ = std::string(type) + "-*";
    } else if(type.find('*') != std::string_view::npos || type == "aes-128" || type == "aes-192" || type == "aes-256") {
        copy.type_ = type;
    } else {
        copy.type_ = KeySpec::parse(type).to_string();
    }
    return copy;
}

KeyFilter KeyFilter::with_label(std::string_view label) const {
    auto copy = *this;
    copy.label_ = label;
    return copy;
}

bool KeyFilter::takes(const KeyInfo& key) const {
    return fits(key.label, label_) && fits(key.ref.key().to_string(), type_);
}

bool KeyFilter::takes(const WrappingKeyInfo& key) const {
    return fits(key.label, label_) && fits(key.type, type_);
}

KeyListing KeyFilter::of(KeyListing listing) const {
    std::erase_if(listing.keys, [this](const KeyInfo& key) { return !takes(key); });
    return listing;
}

}  // namespace keyway
