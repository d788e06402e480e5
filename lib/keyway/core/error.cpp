// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>

#include <array>
#include <utility>

namespace keyway {

namespace {

struct ErrcName {
    Errc code;
    std::string_view name;
};

constexpr std::array names{
    ErrcName{Errc::usage, "usage"},
    ErrcName{Errc::invalid_option, "invalid_option"},
    ErrcName{Errc::invalid_argument, "invalid_argument"},
    ErrcName{Errc::secret_unavailable, "secret_unavailable"},
    ErrcName{Errc::pin_incorrect, "pin_incorrect"},
    ErrcName{Errc::pin_locked, "pin_locked"},
    ErrcName{Errc::passphrase_incorrect, "passphrase_incorrect"},
    ErrcName{Errc::backend_not_found, "backend_not_found"},
    ErrcName{Errc::token_not_found, "token_not_found"},
    ErrcName{Errc::token_ambiguous, "token_ambiguous"},
    ErrcName{Errc::token_failed, "token_failed"},
    ErrcName{Errc::key_not_found, "key_not_found"},
    ErrcName{Errc::key_ambiguous, "key_ambiguous"},
    ErrcName{Errc::already_exists, "already_exists"},
    ErrcName{Errc::key_mismatch, "key_mismatch"},
    ErrcName{Errc::malformed_data, "malformed_data"},
    ErrcName{Errc::permissions_insecure, "permissions_insecure"},
    ErrcName{Errc::unsupported, "unsupported"},
    ErrcName{Errc::storage_failed, "storage_failed"},
    ErrcName{Errc::timed_out, "timed_out"},
    ErrcName{Errc::outcome_unknown, "outcome_unknown"},
    ErrcName{Errc::verification_failed, "verification_failed"},
    ErrcName{Errc::internal, "internal"},
};

constexpr auto codes = [] {
    std::array<Errc, names.size()> out{};
    for(std::size_t i = 0; i < names.size(); ++i) {
        out[i] = names[i].code;
    }
    return out;
}();

}  // namespace

std::span<const Errc> all_errors() noexcept {
    return codes;
}

std::string_view to_string(Errc code) noexcept {
    for(const auto& entry : names) {
        if(entry.code == code) {
            return entry.name;
        }
    }
    return "internal";
}

Error::Error(Errc code, std::string message, std::string hint)
    : Botan::Exception(message), code_(code), message_(std::move(message)), hint_(std::move(hint)) {}

Error Error::in_backend(std::string_view alias) const {
    Error copy = *this;
    copy.backend_ = alias;
    return copy;
}

Error Error::with_return_value(std::string_view name) const {
    Error copy = *this;
    copy.return_value_ = name;
    return copy;
}

Botan::ErrorType Error::error_type() const noexcept {
    switch(code_) {
        case Errc::usage:
        case Errc::invalid_option:
        case Errc::invalid_argument:
            return Botan::ErrorType::InvalidArgument;
        case Errc::malformed_data:
            return Botan::ErrorType::DecodingFailure;
        case Errc::unsupported:
            return Botan::ErrorType::NotImplemented;
        case Errc::storage_failed:
        case Errc::outcome_unknown:
            return Botan::ErrorType::IoError;
        case Errc::token_failed:
            return Botan::ErrorType::Pkcs11Error;
        case Errc::key_not_found:
        case Errc::backend_not_found:
            return Botan::ErrorType::LookupError;
        default:
            return Botan::ErrorType::Unknown;
    }
}

std::string in_quotes(std::string_view name) {
    return '"' + visible(name) + '"';
}

}  // namespace keyway
