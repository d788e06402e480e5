// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/core/file_io.hpp>
#include <keyway/core/text.hpp>
#include <keyway/options/json_internal.hpp>
#include <keyway/options/suggestion.hpp>
#include <keyway/pkcs11/quirks/quirks.hpp>
#include <keyway/pkcs11/quirks/reading_internal.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace keyway::pkcs11 {

namespace {

constexpr std::size_t largest_profile = 1024UL * 1024UL;

bool has(const std::vector<std::string>& list, std::string_view name) {
    return std::ranges::find(list, name) != list.end();
}

TokenMatch read_match(const PlacedValue& value) {
    using Part = std::optional<std::string> TokenMatch::*;
    static const std::map<std::string, Part> parts{{"manufacturer", &TokenMatch::manufacturer},
                                                   {"model", &TokenMatch::model},
                                                   {"library-manufacturer", &TokenMatch::library_manufacturer},
                                                   {"library-description", &TokenMatch::library_description},
                                                   {"module-file", &TokenMatch::module_file}};
    std::vector<std::string> known;
    for(const auto& [name, part] : parts) {
        known.push_back(name);
    }
    TokenMatch match;
    for(const auto& [name, part] : value.members(known)) {
        auto wanted = part.text();
        const auto star = wanted.find('*');
        if(star != std::string::npos && (star == 0 || star + 1 != wanted.size())) {
            throw Error(Errc::invalid_option, part.place + " has an asterisk elsewhere than at its end",
                        "write the whole text, or how it begins with an asterisk behind it");
        }
        match.*parts.at(name) = std::move(wanted);
    }
    return match;
}

const QuirkReader& reader_of(const std::string& name, const std::string& place) {
    const auto& readers = quirk_readers();
    const auto found = std::ranges::find(readers, name, [](const QuirkReader& reader) { return reader.kind.name; });
    if(found == readers.end()) {
        std::vector<std::string> known;
        for(const auto& reader : readers) {
            known.emplace_back(reader.kind.name);
        }
        throw Error(Errc::invalid_option, place + ": there is no quirk " + in_quotes(name), name_hint(name, known));
    }
    return *found;
}

void read_line(const PlacedValue& value, QuirkProfile& profile) {
    QuirkLine line;
    for(const auto& [name, member] : value.members({})) {
        if(name == "reason") {
            line.reason = member.text();
        } else if(name == "source") {
            line.source = member.text();
        } else if(!line.name.empty()) {
            throw Error(Errc::invalid_option,
                        value.place + " has two quirks, " + in_quotes(line.name) + " and " + in_quotes(name),
                        "give each a line of its own, with its reason and source");
        } else {
            line.name = name;
        }
    }
    const auto lacks = [&](const std::string& what) {
        return Error(Errc::invalid_option, value.place + " has no " + what,
                     "a line has one quirk, a \"reason\" and a \"source\"");
    };
    if(line.name.empty()) {
        throw lacks("quirk");
    }
    const auto& reader = reader_of(line.name, value.place);
    if(line.reason.empty() || line.source.empty()) {
        throw lacks(line.reason.empty() ? "\"reason\"" : "\"source\"");
    }
    if(!reader.adds && std::ranges::find(profile.lines, line.name, &QuirkLine::name) != profile.lines.end()) {
        throw Error(Errc::invalid_option, value.place + ": another line has the quirk " + in_quotes(line.name) + " too",
                    "keep one of the two");
    }
    const auto& quirk = value.value.at(line.name);
    reader.read({quirk, value.place + ": " + in_quotes(line.name)}, profile);
    line.value = quirk.dump();
    profile.lines.push_back(std::move(line));
}

std::string checked_name(std::string name, const std::string& place) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    if(!std::ranges::all_of(name, allowed) || name == "auto" || name == "none") {
        throw Error(Errc::invalid_option, place + " is no name of a profile: " + in_quotes(name),
                    "use a-z, 0-9 and hyphens, other than auto and none");
    }
    return name;
}

}  // namespace

bool QuirkProfile::avoids_mechanism(std::string_view mechanism) const {
    return has(avoid_mechanisms, mechanism);
}

bool QuirkProfile::avoids_curve(std::string_view curve) const {
    return has(avoid_curves, curve);
}

bool QuirkProfile::makes_curve(std::string_view curve) const {
    return !avoids_curve(curve) && (only_curves.empty() || has(only_curves, curve));
}

bool QuirkProfile::lacks_function(std::string_view function) const {
    return has(missing_functions, function);
}

std::optional<std::size_t> QuirkProfile::data_limit(std::string_view mechanism) const {
    auto found = data_limits.find(mechanism);
    if(found == data_limits.end()) {
        found = data_limits.find("*");
    }
    return found == data_limits.end() ? std::nullopt : std::optional(found->second);
}

QuirkProfile parse_quirks(std::string_view json, std::string_view place) {
    const auto root = parse_json(json, place);
    const PlacedValue whole{root, std::string(place)};
    QuirkProfile profile;
    for(const auto& [name, member] : whole.members({"version", "name", "summary", "match", "quirks", "measured"})) {
        if(name == "version") {
            if(!member.value.is_number_integer() || member.value != 1) {
                throw Error(Errc::malformed_data, whole.place + " has a version other than 1",
                            "it was written for another version of keyway");
            }
        } else if(name == "name") {
            profile.name = checked_name(member.text(), member.place);
        } else if(name == "summary") {
            profile.summary = member.text();
        } else if(name == "measured") {
            // What a measurement found beside the quirks: for people, and for a later comparison.
            if(!member.value.is_object()) {
                throw Error(Errc::invalid_option, member.place + " is not an object", "see docs/quirks.md");
            }
        } else if(!member.value.is_array()) {
            throw Error(Errc::invalid_option, member.place + " is not a list", "see docs/quirks.md");
        } else {
            std::size_t number = 0;
            for(const auto& element : member.value) {
                ++number;
                const PlacedValue placed{element, whole.place + (name == "match" ? ": match " : ": line ") +
                                                      std::to_string(number)};
                if(name == "match") {
                    profile.match.push_back(read_match(placed));
                } else {
                    read_line(placed, profile);
                }
            }
        }
    }
    for(const auto& [name, missing] : {std::pair{"name", profile.name.empty()},
                                       std::pair{"summary", profile.summary.empty()},
                                       std::pair{"quirks", !root.contains("quirks")}}) {
        if(missing) {
            throw Error(Errc::invalid_option, whole.place + " has no " + in_quotes(name),
                        "a profile has a \"name\", a \"summary\" and \"quirks\"");
        }
    }
    return profile;
}

QuirkProfile read_quirks(const std::filesystem::path& file) {
    const auto bytes = read_file(file, largest_profile);
    return parse_quirks({static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()}, file.string());
}

}  // namespace keyway::pkcs11
