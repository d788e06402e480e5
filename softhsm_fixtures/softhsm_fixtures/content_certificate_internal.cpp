// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/content_certificate_internal.hpp>

#include <softhsm_fixtures/content_names_internal.hpp>
#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/subject_internal.hpp>

#include <algorithm>

namespace softhsm_fixtures::internal {

namespace {

[[nodiscard]] bool can_sign(EntryType type) {
    return type != EntryType::x25519 && type != EntryType::x448 && type != EntryType::dh;
}

/// The one earlier entry with the name that has what is looked for.
template <typename Wanted>
[[nodiscard]] std::size_t find_earlier(const ObjectReader& reader, const std::string& member,
                                       const std::vector<Entry>& earlier, const Wanted& wanted) {
    const std::string name = reader.text(member).value_or("");
    std::vector<std::string_view> names;
    std::vector<std::size_t> found;
    for (const Entry& entry : earlier) {
        if (!wanted(entry)) {
            continue;
        }
        if (!entry.name.empty()) {
            names.push_back(entry.name);
        }
        if (entry.name == name) {
            found.push_back(entry.index);
        }
    }
    if (name.empty() || found.empty()) {
        reader.refuse("\"" + member + "\" is " + in_quotes(name) +
                      ", and no such entry is before this one; " +
                      (names.empty() ? "there is none that could be it" : "known are " + joined(names)));
    }
    if (found.size() > 1) {
        reader.refuse("\"" + member + "\" is " + in_quotes(name) +
                      ", which several entries are called; give them a \"name\"");
    }
    return found.front();
}

void check_serial(const ObjectReader& reader) {
    constexpr std::size_t longest = 20; // RFC 5280 4.1.2.2
    const auto serial = reader.hex("serial", longest);
    if (serial && std::all_of(serial->begin(), serial->end(), [](std::uint8_t byte) { return byte == 0; })) {
        reader.refuse("\"serial\" is zero");
    }
}

void check_made(const ObjectReader& reader, const CertificateRecipe& recipe, const Entry& key) {
    if (recipe.subject.empty() && key.label.empty()) {
        reader.refuse("a certificate of a key without label needs a \"subject\"");
    }
    try {
        if (!recipe.subject.empty()) {
            static_cast<void>(parse_subject(recipe.subject));
        }
    } catch (const InvalidContent& error) {
        reader.refuse(error.what());
    }
}

/// What both forms have: the object in a key's entry, and the entry of its own.
[[nodiscard]] CertificateRecipe read_recipe(const ObjectReader& reader, const Entry& key,
                                            const std::vector<Entry>& earlier) {
    CertificateRecipe recipe;
    recipe.issuer = key.index;
    if (auto pem = read_pem(reader)) {
        for (const auto member : certificate_members()) {
            if (member != "pem" && reader.has(std::string(member))) {
                reader.refuse("a certificate that is given has no " + in_quotes(member));
            }
        }
        recipe.pem = std::move(*pem);
        return recipe;
    }
    recipe.subject = reader.text("subject").value_or("");
    recipe.days = static_cast<int>(reader.number("days", 1, 36'500).value_or(recipe.days));
    recipe.starts = static_cast<int>(reader.number("starts", -36'500, 36'500).value_or(0));
    recipe.serial = reader.text("serial").value_or("");
    check_serial(reader);
    recipe.ca = reader.flag("ca").value_or(false);
    recipe.dns = reader.texts("dns");
    recipe.ip = reader.texts("ip");
    check_made(reader, recipe, key);
    if (reader.has("issuer")) {
        recipe.issuer = find_earlier(reader, "issuer", earlier, [](const Entry& entry) {
            return is_key_pair(entry.type) && entry.certificate && entry.count == 1 && can_sign(entry.type);
        });
    } else if (!can_sign(key.type)) {
        reader.refuse("this key cannot sign its own certificate; name an \"issuer\"");
    }
    return recipe;
}

void read_own_entry(const ObjectReader& reader, Entry& entry, const std::vector<Entry>& earlier) {
    const bool given = reader.has("pem");
    if (given == reader.has("key")) {
        reader.refuse("a certificate has \"pem\" or \"pem-file\", or the \"key\" that it is made for");
    }
    if (given) {
        entry.certificate = read_recipe(reader, entry, earlier);
        return;
    }
    entry.key = find_earlier(reader, "key", earlier,
                             [](const Entry& other) { return is_key_pair(other.type) && other.count == 1; });
    entry.certificate = read_recipe(reader, earlier[*entry.key], earlier);
}

} // namespace

std::optional<Pattern> read_id(const ObjectReader& reader) {
    const auto id = reader.text("id", 2 * longest_text);
    if (!id) {
        return std::nullopt;
    }
    std::string digits = *id;
    for (auto at = digits.find("{n}"); at != std::string::npos; at = digits.find("{n}")) {
        digits.replace(at, 3, "0000");
    }
    if (!from_hex(digits)) {
        reader.refuse("\"id\" is " + in_quotes(*id) +
                      ", which is not an even number of hexadecimal digits; "
                      "{n} stands for four of them");
    }
    return id;
}

Attributes read_attributes(const ObjectReader& reader, unsigned owners) {
    Attributes attributes;
    if (!reader.has("attributes")) {
        return attributes;
    }
    std::vector<std::string_view> known;
    for (const AttributeName& attribute : known_attributes()) {
        if ((attribute.owners & owners) != 0) {
            known.push_back(attribute.name);
        }
    }
    const ObjectReader given(reader.at("attributes"), reader.place() + ", \"attributes\"");
    given.allow_only(known, "attribute");
    for (const auto name : known) {
        if (const auto value = given.flag(std::string(name))) {
            attributes[std::string(name)] = *value;
        }
    }
    return attributes;
}

std::optional<std::string> read_pem(const ObjectReader& reader) {
    auto pem = reader.text("pem", largest_file);
    if (pem && pem->find("-----BEGIN ") == std::string::npos) {
        reader.refuse("\"pem\" is not PEM: it has no line with BEGIN");
    }
    return pem;
}

void read_certificate(const ObjectReader& reader, Entry& entry, const std::vector<Entry>& earlier) {
    if (entry.type == EntryType::certificate) {
        read_own_entry(reader, entry, earlier);
        return;
    }
    if (!reader.has("certificate")) {
        return;
    }
    const ObjectReader inner(reader.at("certificate"), reader.place() + ", \"certificate\"");
    auto members = certificate_members();
    members.insert(members.end(), {"label", "id", "attributes"});
    inner.allow_only(members, "member");
    auto recipe = read_recipe(inner, entry, earlier);
    recipe.label = inner.text("label");
    recipe.id = read_id(inner);
    recipe.attributes = read_attributes(inner, of_certificate);
    if (!recipe.pem.empty() && entry.count > 1) {
        inner.refuse("a certificate that is given belongs to one key; leave \"count\" out");
    }
    entry.certificate = std::move(recipe);
}

} // namespace softhsm_fixtures::internal
