// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/options/suggestion.hpp>
#include <keyway/pkcs11/quirks/reading_internal.hpp>

#include <algorithm>

namespace keyway::pkcs11 {

namespace {

Error wrong_form(const std::string& place, std::string_view wanted) {
    return {Errc::invalid_option, place + " is not " + std::string(wanted), "see docs/quirks.md"};
}

}  // namespace

std::string PlacedValue::text() const {
    if(!value.is_string() || value.get_ref<const std::string&>().empty()) {
        throw wrong_form(place, "a text");
    }
    return value.get<std::string>();
}

std::size_t PlacedValue::number() const {
    if(!value.is_number_unsigned() || value.get<std::size_t>() == 0) {
        throw wrong_form(place, "a whole number from 1");
    }
    return value.get<std::size_t>();
}

void PlacedValue::yes() const {
    if(!value.is_boolean() || !value.get<bool>()) {
        throw Error(Errc::invalid_option, place + " is not true", "leave it out where the token has no such quirk");
    }
}

std::vector<std::string> PlacedValue::texts() const {
    std::vector<std::string> out;
    if(value.is_array()) {
        for(const auto& element : value) {
            out.push_back(PlacedValue{element, place + ": an element"}.text());
        }
    }
    if(out.empty()) {
        throw wrong_form(place, "a list of texts, one at least");
    }
    auto sorted = out;
    std::ranges::sort(sorted);
    if(const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
        throw Error(Errc::invalid_option, place + " has " + in_quotes(*twice) + " twice", "name each once");
    }
    return out;
}

std::vector<std::string> PlacedValue::constants(NameFamily family) const {
    auto names = texts();
    for(const auto& name : names) {
        if(!constant_value(family, name)) {
            const auto nearest = nearest_name(name, constant_names(family));
            throw Error(Errc::invalid_option, place + ": there is no " + in_quotes(name) + " in PKCS#11 3.2",
                        nearest ? "did you mean " + in_quotes(*nearest) + "?"
                                : "write what a vendor has of its own as a number: \"0x80000001\"");
        }
    }
    return names;
}

std::vector<std::string> PlacedValue::names(const std::vector<std::string>& known, std::string_view what) const {
    auto names = texts();
    for(const auto& name : names) {
        if(std::ranges::find(known, name) == known.end()) {
            throw Error(Errc::invalid_option, place + ": there is no " + std::string(what) + " " + in_quotes(name),
                        name_hint(name, known));
        }
    }
    return names;
}

std::vector<std::pair<std::string, PlacedValue>> PlacedValue::members(const std::vector<std::string>& known) const {
    if(!value.is_object() || value.empty()) {
        throw wrong_form(place, "an object with a member at least");
    }
    std::vector<std::pair<std::string, PlacedValue>> out;
    for(const auto& [name, member] : value.items()) {
        if(!known.empty() && std::ranges::find(known, name) == known.end()) {
            throw Error(Errc::invalid_option, place + " has no member " + in_quotes(name), name_hint(name, known));
        }
        out.emplace_back(name, PlacedValue{member, place + ": " + in_quotes(name)});
    }
    return out;
}

}  // namespace keyway::pkcs11
