// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <keyway/core/error.hpp>
#include <keyway/key/key_info.hpp>

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace Botan {
class X509_Certificate;
}

namespace keyway::cli {

using Json = nlohmann::ordered_json;

/// What every command says of a key: its reference in both forms, and the parts that programs ask for most.
[[nodiscard]] Json json_of(const KeyRef& ref);
[[nodiscard]] Json json_of(const KeyInfo& key);
[[nodiscard]] Json json_of_attributes(const std::vector<std::pair<std::string, std::string>>& attributes);
[[nodiscard]] Json json_of(const Botan::X509_Certificate& certificate);

/// What an error says: code, message, hint, backend, return value.
[[nodiscard]] Json json_of(const Error& error);

/// The object printed for an error, on one line.
[[nodiscard]] std::string error_line(const Error& error);

}  // namespace keyway::cli
