// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/options/suggestion.hpp>
#include <keyway/pkcs11/module_internal.hpp>
#include <keyway/pkcs11/quirks/embedded_internal.hpp>
#include <keyway/pkcs11/quirks/module_info_internal.hpp>
#include <keyway/pkcs11/quirks/quirks.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <algorithm>
#include <cstdlib>
#include <span>

namespace keyway::pkcs11 {

namespace {

bool fits(const std::string& pattern, std::string_view text) {
    if(pattern.ends_with('*')) {
        return text.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
    }
    return pattern == text;
}

/// How many parts of a match are given, when all of them fit; else none.
std::size_t fitting_parts(const TokenMatch& match, const TokenInfo& token, const ModuleInfo& module) {
    std::size_t parts = 0;
    for(const auto& [wanted, found] : {std::pair{&match.manufacturer, &token.manufacturer},
                                       std::pair{&match.model, &token.model},
                                       std::pair{&match.library_manufacturer, &module.manufacturer},
                                       std::pair{&match.library_description, &module.description},
                                       std::pair{&match.module_file, &module.file}}) {
        if(*wanted) {
            if(!fits(**wanted, *found)) {
                return 0;
            }
            ++parts;
        }
    }
    return parts;
}

std::string padded_text(std::span<const unsigned char> field) {
    std::string text(field.begin(), field.end());
    text.resize(std::min(text.find('\0'), text.size()));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

std::string last_part(const std::string& path) {
    return path.substr(path.find_last_of('/') + 1);
}

bool is_path(std::string_view setting) {
    return setting.find('/') != std::string_view::npos || setting.ends_with(".json");
}

}  // namespace

ModuleInfo module_info(const Module& module) {
    CK_INFO raw{};
    if(const auto result = module.calls().C_GetInfo(&raw); result != CKR_OK) {
        throw call_failed(result, "ask module " + in_quotes(module.name()) + " what it is");
    }
    return {.file = last_part(module_path(module)),
            .manufacturer = padded_text(raw.manufacturerID),
            .description = padded_text(raw.libraryDescription),
            .version = std::to_string(raw.libraryVersion.major) + "." + std::to_string(raw.libraryVersion.minor)};
}

std::string module_path(const Module& module) {
    // A module that was named as p11-kit's configuration has it is known by its file only to p11-kit.
    if(char* const file = p11_kit_module_get_filename(&module.calls())) {
        std::string path(file);
        std::free(file);
        return path;
    }
    return module.name();
}

ModuleInfo module_info(const ModuleName& module) {
    return module_info(*Module::open(module.value, module.init_args));
}

const std::vector<QuirkProfile>& known_quirks() {
    // Never destroyed, so that a token may go at any time.
    static const auto& all = *new auto([] {
        std::vector<QuirkProfile> profiles;
        for(const auto& embedded : embedded_quirks()) {
            profiles.push_back(parse_quirks(embedded.json, embedded.file));
        }
        return profiles;
    }());
    return all;
}

const QuirkProfile* find_quirks(const TokenInfo& token, const ModuleInfo& module) {
    const QuirkProfile* best = nullptr;
    std::size_t most = 0;
    for(const auto& profile : known_quirks()) {
        for(const auto& match : profile.match) {
            if(const auto parts = fitting_parts(match, token, module); parts > most) {
                most = parts;
                best = &profile;
            }
        }
    }
    return best;
}

QuirkProfile load_quirks(std::string_view setting, const TokenInfo& token, const ModuleInfo& module) {
    if(setting == "none") {
        return {};
    }
    if(setting == "auto") {
        const auto* const found = find_quirks(token, module);
        return found == nullptr ? QuirkProfile{} : *found;
    }
    if(is_path(setting)) {
        return read_quirks(setting);
    }
    const auto& all = known_quirks();
    if(const auto found = std::ranges::find(all, setting, &QuirkProfile::name); found != all.end()) {
        return *found;
    }
    std::vector<std::string> known{"auto", "none"};
    for(const auto& profile : all) {
        known.push_back(profile.name);
    }
    throw Error(Errc::invalid_option, "there is no quirk profile " + in_quotes(setting),
                name_hint(setting, known) + "; a file's path has a slash in it, or ends in .json");
}

}  // namespace keyway::pkcs11
