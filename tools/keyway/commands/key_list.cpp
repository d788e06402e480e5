// SPDX-License-Identifier: BSD-2-Clause
#include "../columns.hpp"
#include "../json_output.hpp"
#include "../session.hpp"
#include "../terminal.hpp"
#include "../wrapping_keys.hpp"
#include "commands.hpp"
#include "common_flags.hpp"

#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>
#include <keyway/key/key_filter.hpp>

#include <nlohmann/json.hpp>

#include <functional>
#include <utility>

namespace keyway::cli {

namespace {

KeyFilter filter_of(const Arguments& arguments) {
    KeyFilter filter;
    if(const auto type = arguments.value("type")) {
        filter = filter.with_type(*type);
    }
    if(const auto label = arguments.value("label")) {
        filter = filter.with_label(*label);
    }
    return filter;
}

/// The secret keys beside the key pairs: few, so that they are read at once.
std::vector<WrappingKeyInfo> wrapping_keys(const KeyBackend& backend, const OptionValues& options, const KeyFilter& filter) {
    auto keys = wrapping_keys_in(backend, options);
    std::erase_if(keys, [&](const WrappingKeyInfo& key) { return !filter.takes(key); });
    return keys;
}

std::string nothing_listed(const BackendAlias& alias, std::size_t keys) {
    const auto in_backend = " in backend " + in_quotes(alias.str()) + "\n";
    return keys == 0 ? "no keys" + in_backend
                     : "no key that fits --type and --label; there " + (keys == 1 ? "is 1" : "are " + std::to_string(keys)) + in_backend;
}

// A store may hold more keys than are to be in memory: no more than a page of them is, in either form.

/// Visits the pages of a listing from the beginning.
using Pages = std::function<void(const std::function<void(KeyListing page)>& take)>;

Row row_of(const WrappingKeyInfo& key) {
    return {key.label, key.type, key.id, "none: it wraps other keys"};
}

Row row_of(const KeyInfo& key) {
    return {key.label, key.ref.key().to_string(), key.ref.locator().find("id").value_or(""), key.ref.fingerprint().to_string()};
}

/// The ids stand there where the backend has some.
Row shown(Row row, bool has_ids) {
    if(!has_ids) {
        row.erase(row.begin() + 2);
    }
    return row;
}

/// Fits the columns to all keys, then writes them.
void print_text(const BackendAlias& alias, const Pages& pages, const std::vector<WrappingKeyInfo>& wrapping, const KeyFilter& filter) {
    const Row headings{"LABEL", "TYPE", "ID", "SPKI SHA-256"};
    Columns with_ids(headings);
    Columns without_ids(shown(headings, false));
    bool has_ids = false;
    std::size_t all = 0;
    std::size_t fitting = 0;
    std::size_t number = 0;
    KeyListing last;
    pages([&](KeyListing page) {
        all += page.keys.size();
        last = filter.of(std::move(page));
        ++number;
        fitting += last.keys.size();
        for(const auto& fault : last.faults) {
            print_error("keyway: warning: " + visible(fault.message()) + "\n");
        }
        for(const auto& key : last.keys) {
            const auto row = row_of(key);
            has_ids = has_ids || !row[2].empty();
            with_ids.fit(row);
            without_ids.fit(shown(row, false));
        }
    });
    for(const auto& key : wrapping) {
        has_ids = true;
        with_ids.fit(row_of(key));
    }
    if(fitting + wrapping.size() == 0) {
        print(nothing_listed(alias, all));
        return;
    }
    const auto& columns = has_ids ? with_ids : without_ids;
    print(columns.heading());
    const auto print_page = [&](const KeyListing& page) {
        std::string lines;
        for(const auto& key : page.keys) {
            lines += columns.line(shown(row_of(key), has_ids));
        }
        print(lines);
    };
    if(number == 1) {
        print_page(last);
    } else {
        pages([&](KeyListing page) { print_page(filter.of(std::move(page))); });
    }
    std::string lines;
    for(const auto& key : wrapping) {
        lines += with_ids.line(row_of(key));
    }
    print(lines);
}

/// An element of an array in an object, on lines of its own.
std::string element(const Json& json) {
    std::string out = "\n    ";
    for(const char c : json.dump(2, ' ', false, Json::error_handler_t::replace)) {
        out += c;
        if(c == '\n') {
            out += "    ";
        }
    }
    return out;
}

/// The same as the object would be printed whole.
void print_json(const BackendAlias& alias, const Pages& pages, const std::vector<WrappingKeyInfo>& wrapping, const KeyFilter& filter) {
    auto faults = Json::array();
    bool is_first = true;
    const auto begin = "{\n  \"backend\": " + Json(alias.str()).dump() + ",\n  \"keys\": [";
    pages([&](KeyListing page) {
        std::string out;
        for(const auto& key : filter.of(page).keys) {
            out += (is_first ? begin : ",") + element(json_of(key));
            is_first = false;
        }
        for(const auto& fault : page.faults) {
            faults.push_back(json_of(fault));
        }
        print(out);
    });
    std::string end = is_first ? begin + "],\n  \"faults\": [" : "\n  ],\n  \"faults\": [";
    for(std::size_t i = 0; i < faults.size(); ++i) {
        end += (i == 0 ? "" : ",") + element(faults[i]);
    }
    end += faults.empty() ? "],\n  \"wrapping-keys\": [" : "\n  ],\n  \"wrapping-keys\": [";
    for(std::size_t i = 0; i < wrapping.size(); ++i) {
        end += (i == 0 ? "" : ",") + element(json_of(alias, wrapping[i]));
    }
    print(end + (wrapping.empty() ? "]\n}\n" : "\n  ]\n}\n"));
}

void run(Session& session, const Arguments& arguments) {
    const auto filter = filter_of(arguments);
    const auto alias = session.chosen_backend();
    session.work_with({alias});
    const auto& backend = session.backend(alias);
    const auto options = session.options(alias, Phase::use);
    const Pages pages = [&](const auto& take) { list_pages(backend, options, take); };
    const auto wrapping = wrapping_keys(backend, options, filter);
    session.json() ? print_json(alias, pages, wrapping, filter) : print_text(alias, pages, wrapping, filter);
}

}  // namespace

Command key_list_command() {
    return {
        .noun = "key",
        .verb = "list",
        .summary = "list the keys of a backend",
        .flags = {backend_flag(),
                  {.name = "type", .value = "TYPE", .help = "only keys of this type, aes-256 among them; * stands for any text"},
                  {.name = "label", .value = "TEXT", .help = "only keys with this label; * stands for any text"}},
        .backend_phase = Phase::use,
        .details =
            "A key listed as LABEL can be named ALIAS:LABEL. With --json, the references stand there too. AES keys that wrap the keys of a "
            "database come last, with --json under \"wrapping-keys\": they have no reference.",
        .example = "keyway key list --backend hsm --user-pin prompt:",
        .run = run};
}

}  // namespace keyway::cli
