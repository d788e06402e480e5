// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/softhsm_store.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/find_softhsm.hpp>
#include <softhsm_fixtures/random_internal.hpp>
#include <softhsm_fixtures/softhsm_config_internal.hpp>
#include <softhsm_fixtures/token_maker_internal.hpp>

#include <set>
#include <string_view>
#include <vector>
#include <system_error>

namespace softhsm_fixtures {

namespace {

namespace fs = std::filesystem;

[[nodiscard]] fs::path module_of(const StoreOptions& options) {
    if (options.module) {
        std::error_code ignored;
        if (!fs::is_regular_file(*options.module, ignored)) {
            throw SoftHsmNotFound("the module \"" + options.module->string() + "\" is not a file");
        }
        return fs::absolute(*options.module);
    }
    if (const auto found = find_softhsm()) {
        return fs::absolute(*found);
    }
    throw SoftHsmNotFound(softhsm_absence_reason().value_or("SoftHSM 2 is not installed"));
}

void check_label(const std::string& label) {
    if (label.find('\0') != std::string::npos) {
        throw InvalidOption("the token label holds a zero byte");
    }
    const auto refuse = [&](const char* why) {
        throw InvalidOption("the token label \"" + label + "\" " + why);
    };
    if (label.empty()) {
        refuse("is empty");
    }
    if (label.size() > 32) {
        refuse("is longer than 32 bytes");
    }
    if (label.back() == ' ') {
        refuse("ends in a space, which a token cannot tell from padding");
    }
}

void check_pin_length(std::string_view whose, std::size_t length) {
    if (length < 4 || length > 255) {
        throw InvalidOption("a " + std::string(whose) + " PIN of " + std::to_string(length) +
                            " digits is out of the range of 4 to 255");
    }
}

[[nodiscard]] std::set<fs::path> entries(const fs::path& folder) {
    return {fs::directory_iterator(folder), fs::directory_iterator()};
}

[[nodiscard]] std::string percent_encoded(std::string_view text) {
    constexpr std::string_view kept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char character : text) {
        if (kept.find(character) != std::string_view::npos) {
            encoded.push_back(character);
        } else {
            const auto byte = static_cast<unsigned char>(character);
            encoded.push_back('%');
            encoded.push_back(digits[byte / 16U]);
            encoded.push_back(digits[byte % 16U]);
        }
    }
    return encoded;
}

} // namespace

void check_options(const TokenOptions& options) {
    if (options.label) {
        check_label(*options.label);
    }
    check_pin_length("user", options.user_pin_length);
    check_pin_length("security officer", options.so_pin_length);
}

std::string TokenDetails::uri() const {
    return "pkcs11:token=" + percent_encoded(label) + ";serial=" + percent_encoded(serial);
}

SoftHsmStore::SoftHsmStore(const StoreOptions& options)
    : module_(module_of(options)),
      folder_(options.parent ? TemporaryFolder("softhsm", *options.parent) : TemporaryFolder("softhsm")) {
    internal::make_softhsm_config(config_path(), token_folder());
}

const TokenDetails& SoftHsmStore::add_token(const TokenOptions& options) {
    TokenDetails token;
    token.label = options.label.value_or("fixture-" + internal::random_hex(16));
    check_options(options);

    const std::string stem = "token-" + std::to_string(tokens_.size() + 1);
    token.user_pin_file = directory() / (stem + ".user-pin");
    token.so_pin_file = directory() / (stem + ".so-pin");

    const auto before = entries(token_folder());
    try {
        std::vector<std::string> serials;
        for (const auto& other : tokens_) {
            serials.push_back(other.serial);
        }
        internal::TokenMaker({.module = module_,
                              .config = config_path(),
                              .directory = directory(),
                              .tokens = token_folder(),
                              .serials = std::move(serials)})
            .make(token, options);
        return tokens_.emplace_back(std::move(token));
    } catch (...) {
        std::error_code ignored;
        for (const auto& entry : entries(directory())) {
            if (entry.filename().string().starts_with(stem + '.')) {
                fs::remove(entry, ignored);
            }
        }
        for (const auto& entry : entries(token_folder())) {
            if (!before.contains(entry)) {
                fs::remove_all(entry, ignored);
            }
        }
        throw;
    }
}

} // namespace softhsm_fixtures
