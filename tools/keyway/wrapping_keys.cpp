// SPDX-License-Identifier: BSD-2-Clause
#include "wrapping_keys.hpp"

#include <keyway/core/error.hpp>
#include <keyway/key/wrapping_key_name.hpp>

namespace keyway::cli {

void require_no_wrapping_key(const Session& session, const KeyRef& key, const std::string& label, const std::string& hint) {
    std::string opened;
    for(const auto& [alias, backend] : session.configuration().settings.backends()) {
        const auto option = backend.options.find("wrapping-key");
        if(option == backend.options.end()) {
            continue;
        }
        try {
            if(WrappingKeyName::parse(option->second.value).may_be(key, label)) {
                opened += (opened.empty() ? "" : ", ") + in_quotes(alias.str());
            }
        } catch(const Error& error) {
            session.warn("whether the key is the wrapping key of backend " + in_quotes(alias.str()) +
                         " cannot be told: " + error.message());
        }
    }
    if(!opened.empty()) {
        throw Error(Errc::usage,
                    "the key " + in_quotes(label) + " is the wrapping key of " + opened +
                        ": without it no key there can be opened",
                    hint);
    }
}

}  // namespace keyway::cli
