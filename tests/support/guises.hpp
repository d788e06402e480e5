// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace keyway::test {

/// A secret, and how it would look in hexadecimal and base64, wherever it begins: what no output may hold.
inline std::vector<std::string> guises(const std::string& secret) {
    constexpr std::string_view base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::vector<std::string> out{secret};
    for(const std::string_view digits : {"0123456789abcdef", "0123456789ABCDEF"}) {
        auto& text = out.emplace_back();
        for(const char c : secret) {
            text += digits[static_cast<unsigned char>(c) >> 4U];
            text += digits[static_cast<unsigned char>(c) & 15U];
        }
    }
    for(std::size_t skipped = 0; skipped < 3; ++skipped) {
        const std::string shifted = std::string(skipped, '\0') + secret;
        std::string text;
        for(std::size_t i = 0; i + 3 <= shifted.size(); i += 3) {
            std::uint32_t group = 0;
            for(std::size_t k = 0; k < 3; ++k) {
                group = group << 8U | static_cast<unsigned char>(shifted[i + k]);
            }
            for(const unsigned shift : {18U, 12U, 6U, 0U}) {
                text += base64[group >> shift & 63U];
            }
        }
        // Without the characters that what comes before has a share in.
        out.push_back(text.substr(skipped == 0 ? 0 : skipped + 1));
    }
    return out;
}

}  // namespace keyway::test
