// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/keys/token_kinds_internal.hpp>
#include <keyway/pkcs11/token_internal.hpp>

#include <atomic>
#include <optional>
#include <string_view>

namespace keyway::hsm {

/// What a token can hold: asked for once, and kept.
/// @threadsafety safe, also in a forked child: it has no lock
class KnownKinds {
public:
    struct Kinds {
        pkcs11::TokenKinds of_token;
        BackendCapabilities either;
    };

    KnownKinds() = default;
    KnownKinds(const KnownKinds&) = delete;
    KnownKinds& operator=(const KnownKinds&) = delete;
    ~KnownKinds() { delete kinds_.load(); }

    /// @throws what asking the token throws; it is asked again then
    [[nodiscard]] const Kinds& of(pkcs11::Token& token, const pkcs11::PinProvider& pin);

private:
    std::atomic<const Kinds*> kinds_{nullptr};
};

/// By what means a new key comes to be.
enum class Making {
    generate,
    import,
    unwrap  ///< it comes encrypted: also into tokens that take no keys in clear
};

/// What the token can hold that comes to be so.
[[nodiscard]] const BackendCapabilities& kinds_for(const KnownKinds::Kinds& kinds, Making making) noexcept;

/// @throws Errc::unsupported when the token, or its vendor, lets only others make keys, with their tool
void require_lets_us_make_keys(const pkcs11::Token& token);

/// @throws Errc::unsupported as require_lets_us_make_keys; and when it takes no
///         keys from elsewhere, or makes none itself, though it could hold such a key
void require_makes_keys(const pkcs11::Token& token, const KnownKinds::Kinds& kinds, const KeySpec& spec, Making making);

/// What a question about the token's mechanisms comes to.
/// @throws as Token::at_slot
[[nodiscard]] std::optional<Error> ask_at_slot(pkcs11::Token& token,
                                               const pkcs11::PinProvider& pin,
                                               std::optional<Error> (*question)(pkcs11::FunctionList&, CK_SLOT_ID, std::string_view));

/// @throws Errc::unsupported when it lets only others remove keys
void require_removes_keys(const pkcs11::Token& token);

}  // namespace keyway::hsm
