// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/common_token_internal.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/random_internal.hpp>

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>
#include <system_error>

namespace softhsm_fixtures::internal {

namespace {

[[noreturn]] void cannot(const char* verb, const std::filesystem::path& path) {
    throw FixtureError("cannot " + std::string(verb) + " \"" + path.string() +
                       "\": " + std::generic_category().message(errno));
}

/// The length of a PIN that the module takes; nobody asked for that of TokenOptions itself, so it may be shortened.
[[nodiscard]] std::size_t pin_length(std::string_view whose, std::size_t wanted, std::size_t usual,
                                     const PinLimits& limits) {
    if (wanted == usual) {
        return std::min(wanted, limits.longest);
    }
    if (wanted < limits.shortest || wanted > limits.longest) {
        throw InvalidOption("a " + std::string(whose) + " PIN of " + std::to_string(wanted) +
                            " digits is out of the module's range of " + std::to_string(limits.shortest) +
                            " to " + std::to_string(limits.longest));
    }
    return wanted;
}

} // namespace

TokenDetails new_details(const TokenOptions& options, const PinLimits& limits,
                         const std::filesystem::path& folder) {
    TokenDetails details;
    details.label = options.label.value_or("fixture-" + random_hex(16));
    check_options(options);
    const TokenOptions usual;
    details.user_pin =
        random_digits(pin_length("user", options.user_pin_length, usual.user_pin_length, limits));
    details.so_pin =
        random_digits(pin_length("security officer", options.so_pin_length, usual.so_pin_length, limits));
    details.user_pin_file = folder / "token-1.user-pin";
    details.so_pin_file = folder / "token-1.so-pin";
    return details;
}

void make_private_folder(const std::filesystem::path& path) {
    if (::mkdir(path.c_str(), 0700) != 0) {
        cannot("make", path);
    }
}

} // namespace softhsm_fixtures::internal
