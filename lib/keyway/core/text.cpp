// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/text.hpp>

#include <cstddef>

namespace keyway {

namespace {

struct Character {
    char32_t code = 0;
    std::size_t length = 0;  ///< in bytes; 0 when the bytes are no character
};

/// The first character of UTF-8 bytes that are not empty.
Character first_character(std::string_view bytes) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const auto first = byte(0);
    if(first < 0x80) {
        return {first, 1};
    }
    const std::size_t length = first >= 0xf0 ? 4 : (first >= 0xe0 ? 3 : 2);
    if(first < 0xc2 || first > 0xf4 || length > bytes.size()) {
        return {};
    }
    unsigned low = 0x80;
    unsigned high = 0xbf;
    switch(first) {  // the second byte's range is narrower for these: overlong forms, surrogates, over U+10FFFF
        case 0xe0: low = 0xa0; break;
        case 0xed: high = 0x9f; break;
        case 0xf0: low = 0x90; break;
        case 0xf4: high = 0x8f; break;
        default: break;
    }
    char32_t code = first & (0x7fU >> length);
    for(std::size_t i = 1; i < length; ++i) {
        if(byte(i) < low || byte(i) > high) {
            return {};
        }
        code = (code << 6U) | (byte(i) & 0x3fU);
        low = 0x80;
        high = 0xbf;
    }
    return {code, length};
}

bool steers_a_terminal(char32_t code) noexcept {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x200e || code == 0x200f;
}

std::string hexadecimal(char32_t code, int digits) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out;
    for(int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
        out += hex[(code >> static_cast<unsigned>(shift)) & 0x0fU];
    }
    return out;
}

}  // namespace

bool is_text(std::string_view bytes) noexcept {
    while(!bytes.empty()) {
        const auto character = first_character(bytes);
        if(character.length == 0 || character.code == 0) {
            return false;
        }
        bytes.remove_prefix(character.length);
    }
    return true;
}

std::string visible(std::string_view bytes) {
    std::string out;
    while(!bytes.empty()) {
        const auto character = first_character(bytes);
        if(character.length == 0) {
            out += "\\x" + hexadecimal(static_cast<unsigned char>(bytes.front()), 2);
        } else if(steers_a_terminal(character.code)) {
            out += character.code < 0x80 ? "\\x" + hexadecimal(character.code, 2) : "\\u" + hexadecimal(character.code, 4);
        } else {
            out += bytes.substr(0, character.length);
        }
        bytes.remove_prefix(character.length == 0 ? 1 : character.length);
    }
    return out;
}

}  // namespace keyway
