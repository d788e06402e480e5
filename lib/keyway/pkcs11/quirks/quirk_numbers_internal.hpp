// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/cryptoki_internal.hpp>
#include <keyway/pkcs11/quirks/quirk_profile.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace keyway::pkcs11 {

/// The parts of a profile that calls are made by, with names turned into numbers: once, when a token is opened, so that
/// nothing is looked up by name for a signature.
/// @threadsafety immutable
class QuirkNumbers {
public:
    QuirkNumbers() = default;
    explicit QuirkNumbers(const QuirkProfile& profile);

    [[nodiscard]] bool avoids(CK_MECHANISM_TYPE mechanism) const { return avoided_.contains(mechanism); }

    /// C_Sign refuses a buffer that is larger than the signature.
    [[nodiscard]] bool wants_exact_buffer(CK_MECHANISM_TYPE mechanism) const { return exact_.contains(mechanism); }

    /// The most bytes for C_Sign; nothing when no limit is known.
    [[nodiscard]] std::optional<std::size_t> data_limit(CK_MECHANISM_TYPE mechanism) const;

    /// The same call is tried again after this.
    [[nodiscard]] bool passes(CK_RV value) const { return passing_.contains(value); }

    /// Attributes to leave out of the four templates.
    struct Refused {
        std::set<CK_ATTRIBUTE_TYPE> generate_public;
        std::set<CK_ATTRIBUTE_TYPE> generate_private;
        std::set<CK_ATTRIBUTE_TYPE> import_public;
        std::set<CK_ATTRIBUTE_TYPE> import_private;
    };
    [[nodiscard]] const Refused& refused() const noexcept { return refused_; }

    /// CKA_EC_PARAMS of Ed25519 keys in DER, where the token has its own.
    [[nodiscard]] const std::optional<std::vector<std::uint8_t>>& ed25519_parameters() const noexcept {
        return ed25519_parameters_;
    }

private:
    std::set<CK_MECHANISM_TYPE> avoided_;
    std::set<CK_MECHANISM_TYPE> exact_;
    std::map<CK_MECHANISM_TYPE, std::size_t> limits_;
    std::optional<std::size_t> other_limit_;
    std::set<CK_RV> passing_;
    Refused refused_;
    std::optional<std::vector<std::uint8_t>> ed25519_parameters_;
};

}  // namespace keyway::pkcs11
