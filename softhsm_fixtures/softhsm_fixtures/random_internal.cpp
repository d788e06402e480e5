// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/random_internal.hpp>

#include <softhsm_fixtures/errors.hpp>

#include <array>
#include <string_view>
#if defined(__APPLE__)
#include <sys/random.h>
#endif
#include <unistd.h>

namespace softhsm_fixtures::internal {

namespace {

[[nodiscard]] std::string random_text(std::string_view alphabet, std::size_t length) {
    // Bytes from here on would make the first letters of the alphabet more likely than the last.
    const std::size_t limit = 256 - 256 % alphabet.size();

    std::string text;
    std::array<unsigned char, 64> bytes{};
    while (text.size() < length) {
        if (::getentropy(bytes.data(), bytes.size()) != 0) {
            throw FixtureError("the operating system gave no random bytes");
        }
        for (const unsigned char byte : bytes) {
            if (byte < limit && text.size() < length) {
                text.push_back(alphabet[byte % alphabet.size()]);
            }
        }
    }
    return text;
}

} // namespace

std::string random_digits(std::size_t length) {
    return random_text("0123456789", length);
}

std::string random_hex(std::size_t length) {
    return random_text("0123456789abcdef", length);
}

} // namespace softhsm_fixtures::internal
