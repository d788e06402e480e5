// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/content_model_internal.hpp>

#include <softhsm_fixtures/content_certificate_internal.hpp>
#include <softhsm_fixtures/content_files_internal.hpp>
#include <softhsm_fixtures/content_names_internal.hpp>
#include <softhsm_fixtures/content_reader_internal.hpp>
#include <softhsm_fixtures/errors.hpp>

#include <algorithm>

namespace softhsm_fixtures::internal {

using nlohmann::json;

namespace {

[[nodiscard]] const TypeName& type_of(const ObjectReader& reader) {
    const auto& types = known_types();
    std::vector<std::string_view> names;
    for (const TypeName& type : types) {
        names.push_back(type.name);
    }
    const auto index = reader.word("type", names);
    if (!index) {
        reader.refuse("has no \"type\"; known are " + joined(names));
    }
    return types[*index];
}

void check_members(const ObjectReader& reader, const TypeName& type) {
    auto members = type.members;
    members.insert(members.begin(), "type");
    reader.allow_only(members, "member");
}

/// What has no range in the table of members: the size of the key and what else makes it.
void read_parameters(const ObjectReader& reader, Entry& entry) {
    const auto one_of = [&](std::initializer_list<unsigned> sizes, unsigned by_default) {
        const auto bits = static_cast<unsigned>(reader.number("bits", 1, INT32_MAX).value_or(by_default));
        std::string known;
        for (const unsigned size : sizes) {
            known += (known.empty() ? "" : ", ") + std::to_string(size);
        }
        if (std::find(sizes.begin(), sizes.end(), bits) == sizes.end()) {
            reader.refuse("\"bits\" is " + std::to_string(bits) + "; known are " + known);
        }
        return bits;
    };
    constexpr std::int64_t largest_secret = 65536;
    const auto whole_bytes = [&](unsigned by_default) {
        const auto bits =
            static_cast<unsigned>(reader.number("bits", 8, largest_secret).value_or(by_default));
        if (bits % 8 != 0) {
            reader.refuse("\"bits\" is " + std::to_string(bits) + ", which is not whole bytes");
        }
        return bits;
    };

    switch (entry.type) {
    case EntryType::rsa:
        entry.bits = static_cast<unsigned>(reader.number("bits", 1024, 16384).value_or(2048));
        entry.exponent = static_cast<std::uint64_t>(reader.number("exponent", 3, INT64_MAX).value_or(65537));
        if (entry.exponent % 2 == 0) {
            reader.refuse("\"exponent\" is even");
        }
        break;
    case EntryType::ec: {
        std::vector<std::string_view> names;
        for (const CurveName& curve : known_curves()) {
            names.push_back(curve.name);
        }
        const auto curve = reader.word("curve", names);
        if (!curve) {
            reader.refuse("has no \"curve\"; known are " + joined(names));
        }
        entry.curve = names[*curve];
        break;
    }
    case EntryType::dsa: entry.bits = one_of({1024, 2048, 3072}, 2048); break;
    case EntryType::dh: entry.bits = one_of({2048, 3072, 4096, 6144, 8192}, 2048); break;
    case EntryType::aes: entry.bits = one_of({128, 192, 256}, 256); break;
    case EntryType::des3: entry.bits = 192; break;
    case EntryType::generic: entry.bits = whole_bytes(256); break;
    case EntryType::hmac: {
        std::vector<std::string_view> names;
        for (const HashName& hash : known_hashes()) {
            names.push_back(hash.name);
        }
        const auto hash = known_hashes()[reader.word("hash", names).value_or(2)];
        entry.hash = hash.name;
        entry.bits = whole_bytes(hash.bits);
        break;
    }
    default: break;
    }
}

void read_value(const ObjectReader& reader, Entry& entry) {
    const auto value = reader.hex("value", 8192);
    if (!value) {
        return;
    }
    entry.value = *value;
    entry.value_given = true;
    const auto bits = static_cast<unsigned>(value->size() * 8);
    const bool any_size = entry.type == EntryType::generic || entry.type == EntryType::hmac;
    if (any_size && !reader.has("bits") && bits != 0) {
        entry.bits = bits;
    }
    if (entry.type == EntryType::aes && !reader.has("bits") && (bits == 128 || bits == 192)) {
        entry.bits = bits;
    }
    if (bits != entry.bits) {
        reader.refuse("\"value\" has " + std::to_string(bits) + " bits and not " +
                      std::to_string(entry.bits));
    }
}

void read_data(const ObjectReader& reader, Entry& entry) {
    const auto text = reader.text("text", largest_file);
    const auto hex = reader.hex("hex", largest_file);
    if (text.has_value() == hex.has_value()) {
        reader.refuse("a data object has one of \"text\", \"hex\" and \"file\"");
    }
    entry.text = text.value_or("");
    entry.value = hex.value_or(Bytes{});
    entry.value_given = hex.has_value();
    entry.application = reader.text("application").value_or("");
}

void read_usage(const ObjectReader& reader, Entry& entry) {
    if (!reader.has("usage")) {
        return;
    }
    Usage usage;
    for (const std::string& word : reader.texts("usage")) {
        bool* const members[] = {&usage.sign, &usage.decrypt, &usage.wrap, &usage.derive};
        *members[known_word(reader.place(), "usage", word, {"sign", "decrypt", "wrap", "derive"})] = true;
    }
    entry.usage = usage;
}

void read_origin(const ObjectReader& reader, Entry& entry) {
    entry.generated = reader.word("origin", {"imported", "generated"}).value_or(0) == 1;
    if (!entry.generated) {
        return;
    }
    if (entry.type == EntryType::hmac) {
        reader.refuse(
            "a key for one HMAC is not generated by a token; leave \"origin\" out, or use \"generic\"");
    }
    if (entry.value_given) {
        reader.refuse("a generated key has a value of its own; leave \"value\" or \"origin\" out");
    }
    if (entry.stored == Stored::nothing) {
        reader.refuse("a generated key is in the token; \"store\" cannot be \"nothing\"");
    }
    const auto modifiable = entry.attributes.find("modifiable");
    if (is_key_pair(entry.type) && !entry.id && modifiable != entry.attributes.end() && !modifiable->second) {
        reader.refuse("a generated key that cannot be modified needs an \"id\"");
    }
}

[[nodiscard]] unsigned owners_in(const Entry& entry) {
    switch (entry.type) {
    case EntryType::certificate: return of_certificate;
    case EntryType::data: return of_data;
    default: return is_secret_key(entry.type) ? of_secret : of_private | of_public;
    }
}

[[nodiscard]] Entry read_entry(const json& object, const std::vector<Entry>& earlier) {
    Entry entry;
    entry.index = earlier.size();
    const ObjectReader plain(object, place_of(entry));
    const TypeName& type = type_of(plain);
    check_members(plain, type);
    entry.type = type.type;
    entry.label = plain.text("label").value_or("");
    entry.name = plain.text("name").value_or(entry.label);

    const ObjectReader reader(object, place_of(entry));
    entry.count = static_cast<unsigned>(reader.number("count", 1, 10'000).value_or(1));
    entry.id = read_id(reader);
    entry.attributes = read_attributes(reader, owners_in(entry));
    read_parameters(reader, entry);
    if (is_secret_key(entry.type)) {
        read_value(reader, entry);
    }
    if (entry.type == EntryType::data) {
        read_data(reader, entry);
    }
    if (entry.type == EntryType::key) {
        entry.pem = read_pem(reader).value_or("");
        if (entry.pem.empty()) {
            reader.refuse("a given key has \"pem\" or \"pem-file\"");
        }
    }
    entry.stored =
        static_cast<Stored>(reader.word("store", {"pair", "private", "public", "nothing"}).value_or(0));
    read_usage(reader, entry);
    read_origin(reader, entry);
    read_certificate(reader, entry, earlier);
    return entry;
}

[[nodiscard]] std::size_t objects_of(const Entry& entry) {
    std::size_t objects = 1;
    if (is_key_pair(entry.type)) {
        const bool public_pem = entry.pem.find("-----BEGIN PUBLIC KEY-----") != std::string::npos;
        objects =
            entry.stored == Stored::nothing ? 0U : (entry.stored == Stored::pair && !public_pem ? 2U : 1U);
        objects += entry.certificate ? 1U : 0U;
    }
    return objects * entry.count;
}

} // namespace

Content parse_content(std::string_view text, const std::filesystem::path& folder) {
    json list = parse_json(text);
    if (!list.is_array()) {
        throw InvalidContent("the content is not a list in square brackets");
    }
    if (list.size() > most_entries) {
        throw InvalidContent("the content has more than " + std::to_string(most_entries) + " entries");
    }
    take_in_files(list, folder);

    Content content;
    for (const json& object : list) {
        content.entries.push_back(read_entry(object, content.entries));
        content.object_count += objects_of(content.entries.back());
        if (content.object_count > most_objects) {
            throw InvalidContent(place_of(content.entries.back()) + ": with it the content has more than " +
                                 std::to_string(most_objects) + " objects");
        }
    }
    content.json = list.dump();
    return content;
}

} // namespace softhsm_fixtures::internal
