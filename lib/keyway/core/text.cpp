// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/text.hpp>

#include <cstddef>

namespace keyway {

bool is_text(std::string_view bytes) noexcept {
    std::size_t i = 0;
    while(i < bytes.size()) {
        const auto first = static_cast<unsigned char>(bytes[i]);
        if(first == 0) {
            return false;
        }
        if(first < 0x80) {
            ++i;
            continue;
        }
        const std::size_t length = first >= 0xf0 ? 4 : (first >= 0xe0 ? 3 : 2);
        if(first < 0xc2 || first > 0xf4 || i + length > bytes.size()) {
            return false;
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
        for(std::size_t k = 1; k < length; ++k) {
            const auto next = static_cast<unsigned char>(bytes[i + k]);
            if(next < low || next > high) {
                return false;
            }
            low = 0x80;
            high = 0xbf;
        }
        i += length;
    }
    return true;
}

}  // namespace keyway
