// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace softhsm_fixtures::internal {

using Bytes = std::vector<std::uint8_t>;

enum class EntryType {
    rsa,
    ec,
    ed25519,
    ed448,
    x25519,
    x448,
    dsa,
    dh,
    key,
    aes,
    des3,
    generic,
    hmac,
    certificate,
    data
};

/// Which objects of a key pair the token holds.
enum class Stored { pair, private_only, public_only, nothing };

/// What a key may do; each word stands for both directions.
struct Usage {
    bool sign = false;    ///< and verify
    bool decrypt = false; ///< and encrypt
    bool wrap = false;    ///< and unwrap
    bool derive = false;
};

/// A text that holds "{n}" where the copies of one entry differ.
using Pattern = std::string;

/// By CKA name in lower case with hyphens: "always-authenticate".
using Attributes = std::map<std::string, bool>;

/// A certificate: given, or to be made for a key of the list.
struct CertificateRecipe {
    std::string pem;    ///< empty: to be made
    Pattern subject;    ///< "CN=Root,O=Example"; empty: CN is the label
    std::size_t issuer; ///< index of the entry that signs; its own for self-signed
    std::string serial; ///< hexadecimal; empty: random
    int days = 3650;    ///< from the first day of validity to the last
    int starts = 0;     ///< days from now
    bool ca = false;
    std::vector<Pattern> dns;
    std::vector<std::string> ip;
    std::optional<Pattern> label; ///< the key's by default
    std::optional<Pattern> id;    ///< the key's by default
    Attributes attributes;
};

/// One entry of the list; which members count depends on the type.
struct Entry {
    std::size_t index = 0; ///< from 0
    EntryType type = EntryType::data;
    std::string name; ///< by which others refer to it
    Pattern label;
    std::optional<Pattern> id; ///< hexadecimal, empty for none; nullopt: by default
    unsigned count = 1;
    unsigned bits = 0;
    std::uint64_t exponent = 65537;
    std::string curve;
    std::string hash;
    std::string pem;
    Bytes value;
    bool value_given = false;
    Pattern text; ///< of a data object, instead of value
    std::string application;
    Stored stored = Stored::pair;
    bool generated = false; ///< by the token itself
    std::optional<Usage> usage;
    Attributes attributes;
    std::optional<CertificateRecipe> certificate;
    std::optional<std::size_t> key; ///< of a certificate entry: the entry with the key
};

/// A whole list.
struct Content {
    std::vector<Entry> entries;
    std::size_t object_count = 0;
    std::string json; ///< canonical, with files in place
};

/// @throws InvalidContent as TokenContent::parse()
[[nodiscard]] Content parse_content(std::string_view text, const std::filesystem::path& folder);

[[nodiscard]] constexpr bool is_secret_key(EntryType type) noexcept {
    return type == EntryType::aes || type == EntryType::des3 || type == EntryType::generic ||
           type == EntryType::hmac;
}
[[nodiscard]] constexpr bool is_key_pair(EntryType type) noexcept {
    return type != EntryType::certificate && type != EntryType::data && !is_secret_key(type);
}

/// "entry 3 (\"server\")", for messages.
[[nodiscard]] std::string place_of(const Entry& entry);

/// The pattern for the nth copy, from 1: "{n}" becomes the number in decimal digits.
[[nodiscard]] std::string expanded(const Pattern& pattern, unsigned n);

/// The id for the nth copy: "{n}" becomes the number in four hexadecimal digits.
[[nodiscard]] Bytes expanded_id(const Pattern& pattern, unsigned n);

/// The days from now until the first certificate begins or ends, whichever is sooner; nullopt without one.
[[nodiscard]] std::optional<int> days_until_change(const Content& content);

// Bounds, so that a mistake in a list is an error and not a full disk.
inline constexpr std::size_t largest_list = std::size_t{4} << 20U;
inline constexpr std::size_t largest_file = std::size_t{1} << 20U;
inline constexpr std::size_t most_objects = 50'000;
inline constexpr std::size_t most_entries = 10'000;
inline constexpr std::size_t longest_text = 255;

} // namespace softhsm_fixtures::internal
