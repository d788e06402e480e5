// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/pkcs11/quirks/names_internal.hpp>
#include <keyway/pkcs11/quirks/quirk_profile.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace keyway::pkcs11 {

/// A value of a profile and where it stands, for messages.
struct PlacedValue {
    const nlohmann::json& value;
    std::string place;  ///< `quirks.json: line 2: "most-sessions"`

    /// @throws Errc::invalid_option when it is another kind of value
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::size_t number() const;
    void yes() const;  ///< true; false would be the same as leaving it out
    [[nodiscard]] std::vector<std::string> texts() const;

    /// One name or more, each a constant's.
    [[nodiscard]] std::vector<std::string> constants(NameFamily family) const;

    /// One name or more of those.
    [[nodiscard]] std::vector<std::string> names(const std::vector<std::string>& known, std::string_view what) const;

    /// The members of an object, each with its place.
    /// @throws Errc::invalid_option when it is no object, is empty, or has a member of another name
    [[nodiscard]] std::vector<std::pair<std::string, PlacedValue>> members(const std::vector<std::string>& known) const;
};

/// How a quirk is read into a profile.
struct QuirkReader {
    QuirkKind kind;
    bool adds = false;  ///< may stand on several lines, which add up
    void (*read)(const PlacedValue& value, QuirkProfile& profile) = nullptr;
};

/// In the order of quirk_kinds().
[[nodiscard]] const std::vector<QuirkReader>& quirk_readers();

}  // namespace keyway::pkcs11
