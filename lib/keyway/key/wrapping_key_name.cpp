// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/core/file_io.hpp>
#include <keyway/key/wrapping_key_name.hpp>

#include <filesystem>
#include <system_error>
#include <utility>

namespace keyway {

namespace {

constexpr std::size_t largest_reference = 16UL * 1024UL;

/// What stands before the first colon, where it can be an alias and something stands behind it.
std::optional<BackendAlias> alias_of(std::string_view text) {
    const auto colon = text.find(':');
    if(colon == std::string_view::npos || colon + 1 == text.size()) {
        return std::nullopt;
    }
    try {
        return BackendAlias(std::string(text.substr(0, colon)));
    } catch(const Error&) {
        return std::nullopt;
    }
}

}  // namespace

WrappingKeyName::WrappingKeyName(KeyRef ref)
    : backend_(ref.backend()), ref_(std::move(ref)) {
    const auto& locator = ref_->locator();
    label_ = locator.find("label").value_or(locator.find("file").value_or(""));
}

WrappingKeyName::WrappingKeyName(BackendAlias backend, std::string label)
    : backend_(std::move(backend)), label_(std::move(label)) {}

WrappingKeyName WrappingKeyName::parse(std::string_view text) {
    if(text.starts_with("keyway:") || text.starts_with('{')) {
        return KeyRef::parse(text);
    }
    if(auto alias = alias_of(text)) {
        return {*std::move(alias), std::string(text.substr(text.find(':') + 1))};
    }
    const std::filesystem::path file(text);
    std::error_code ignored;
    if(const auto status = std::filesystem::status(file, ignored); std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        // Not read: a pipe would keep who looks at the settings waiting.
        throw Error(Errc::storage_failed, in_quotes(file.string()) + " is no file with a key reference",
                    "name the wrapping key keyway:1?..., ALIAS:LABEL, or a file that holds a reference");
    }
    const auto bytes = read_file(file, largest_reference);
    std::string content(bytes.begin(), bytes.end());
    content.erase(content.find_last_not_of(" \r\n\t") + 1);
    return KeyRef::parse(content);
}

std::string WrappingKeyName::to_string() const {
    return ref_ ? ref_->to_string() : short_name();
}

std::string WrappingKeyName::short_name() const {
    return label_.empty() && ref_ ? ref_->to_string() : backend_.str() + ":" + label_;
}

}  // namespace keyway
