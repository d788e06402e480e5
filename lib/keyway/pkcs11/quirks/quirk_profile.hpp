// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/api.hpp>
#include <keyway/pkcs11/ec_point_form.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::pkcs11 {

/// By what a token is told to be of a vendor family; each part that is given has to fit, and one has to be given.
///
/// A text is compared as a whole, or up to the asterisk that it ends with.
struct KEYWAY_API TokenMatch {
    std::optional<std::string> manufacturer;          ///< of CK_TOKEN_INFO
    std::optional<std::string> model;                 ///< of CK_TOKEN_INFO
    std::optional<std::string> library_manufacturer;  ///< of CK_INFO
    std::optional<std::string> library_description;   ///< of CK_INFO
    std::optional<std::string> module_file;           ///< the last part of the module's path
};

/// The templates in which an attribute can be out of place, by CKA_ name.
struct KEYWAY_API TemplateAttributes {
    std::vector<std::string> generate_public;
    std::vector<std::string> generate_private;
    std::vector<std::string> import_public;
    std::vector<std::string> import_private;
};

/// What objects of a token do not give, by CKA_ name.
struct KEYWAY_API MissingAttributes {
    std::vector<std::string> public_key;
    std::vector<std::string> private_key;
};

/// One line of a profile: a quirk, why it is there, and who says so.
struct KEYWAY_API QuirkLine {
    std::string name;    ///< one of quirk_kinds()
    std::string value;   ///< as JSON
    std::string reason;  ///< one phrase
    std::string source;  ///< an address, a document's title and section, or "measured"
};

/// What the tokens of a vendor family do otherwise than the standard says, or less well than others; what is not said is
/// as the standard has it.
///
/// Mechanisms, attributes, return values and functions stand by their names in PKCS#11; vendors' own as "0x80000001".
/// @threadsafety a value
struct KEYWAY_API QuirkProfile {
    std::string name;     ///< "yubihsm2"
    std::string summary;  ///< one phrase
    std::vector<TokenMatch> match;

    // Signing
    std::vector<std::string> avoid_mechanisms;        ///< offered, and not to be used
    std::vector<std::string> only_curves;             ///< keys are on these; empty: on any. Botan's names: "secp256r1", "Ed25519"
    std::vector<std::string> avoid_curves;            ///< by Botan's names: "secp521r1"
    bool hash_in_token = false;                       ///< signs only by mechanisms that hash in the token
    bool ecdsa_digest_fits_curve = false;             ///< a digest longer than the curve's order has to be cut before C_Sign
    bool eddsa_parameters_ignored = false;            ///< CK_EDDSA_PARAMS are taken and have no effect
    std::vector<std::string> exact_signature_buffer;  ///< mechanisms that refuse a buffer larger than the signature
    std::map<std::string, std::size_t, std::less<>> data_limits;  ///< most bytes for C_Sign, by mechanism; "*": any other

    // Keys
    std::optional<EcPointForm> ec_point;             ///< of curves in Weierstrass form; the standard's: der
    std::optional<EcPointForm> edwards_point;        ///< also of Montgomery curves; PKCS#11 3.0: der, 3.1 and later: raw
    std::optional<std::string> ed25519_parameters;   ///< CKA_EC_PARAMS of Ed25519 keys: the OID, where it is the vendor's own
    TemplateAttributes refused_attributes;
    MissingAttributes missing_attributes;
    bool public_keys_private = false;                ///< CKA_PRIVATE of public keys has to be true: they are seen after login only
    bool import_private_only = false;                ///< public keys cannot be written
    bool no_key_import = false;                      ///< private keys cannot be written
    std::optional<std::string> security_officer_makes_keys;  ///< by what to make and remove keys, which needs his login
    std::optional<std::string> own_tools_make_keys;  ///< by what to make key pairs, which needs attributes of the vendor's own

    // Sessions and login
    std::optional<std::size_t> most_sessions;               ///< of this process, announced or not
    std::optional<std::size_t> most_logins;                 ///< of all processes together
    std::optional<std::chrono::milliseconds> idle_timeout;  ///< after which a session or login is lost
    bool session_info_stale = false;                        ///< C_GetSessionInfo does not notice that it is
    bool sessions_not_locked = false;                       ///< to be opened and closed one at a time in a process
    bool objects_not_locked = false;                        ///< not to be made while others are looked for in a process
    bool read_write_sessions = false;                       ///< all sessions have to be opened read/write
    bool handles_end_with_logout = false;                   ///< private objects have to be found again after another login
    bool reload_needed = false;                             ///< a lost service comes back only after C_Finalize and C_Initialize
    bool objects_read_at_start = false;                     ///< keys that other processes make are seen after C_Initialize only
    std::vector<std::string> passing_errors;                ///< return values after which the same call is tried again

    // The module
    std::vector<std::string> missing_functions;   ///< "C_CopyObject"
    std::optional<std::string> init_arguments;    ///< what the string in C_Initialize's pReserved has to hold
    std::optional<std::string> pin_form;          ///< what a PIN consists of
    bool pin_length_unknown = false;              ///< the lengths in CK_TOKEN_INFO mean nothing
    bool serial_not_unique = false;               ///< tokens are told apart by their label only

    std::vector<QuirkLine> lines;  ///< all of the above as it was written, in its order

    [[nodiscard]] bool avoids_mechanism(std::string_view name) const;
    [[nodiscard]] bool avoids_curve(std::string_view name) const;
    /// Whether keys on it are made and sign, as far as the profile knows.
    [[nodiscard]] bool makes_curve(std::string_view name) const;

    [[nodiscard]] bool lacks_function(std::string_view name) const;

    /// The most bytes that C_Sign takes with a mechanism; nothing when there is no limit known.
    [[nodiscard]] std::optional<std::size_t> data_limit(std::string_view mechanism) const;
};

/// A quirk that a profile can have.
struct KEYWAY_API QuirkKind {
    std::string_view name;     ///< as in profiles: "idle-timeout-ms"
    std::string_view takes;    ///< "true", "a whole number from 1", ...
    std::string_view meaning;  ///< one phrase
};

/// All quirks there are, in the order of the documentation.
[[nodiscard]] KEYWAY_API const std::vector<QuirkKind>& quirk_kinds();

}  // namespace keyway::pkcs11
