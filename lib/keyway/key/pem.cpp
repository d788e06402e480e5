// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/pem_internal.hpp>

#include <botan/base64.h>
#include <botan/exceptn.h>

#include <utility>

namespace keyway {

namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";
constexpr std::string_view dashes = "-----";

std::string_view as_text(std::span<const std::uint8_t> bytes) noexcept {
    return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

/// Where a mark stands at the beginning of a line.
std::size_t find_line(std::string_view text, std::string_view mark, std::size_t from) noexcept {
    auto at = text.find(mark, from);
    while(at != std::string_view::npos && at != 0 && text[at - 1] != '\n' && text[at - 1] != '\r') {
        at = text.find(mark, at + 1);
    }
    return at;
}

Error malformed(std::string_view name, const std::string& why) {
    return {Errc::malformed_data, in_quotes(name) + " is damaged or truncated: " + why,
            "get an undamaged copy of it"};
}

}  // namespace

bool is_pem(std::span<const std::uint8_t> bytes) noexcept {
    return find_line(as_text(bytes), begin_mark, 0) != std::string_view::npos;
}

std::vector<PemBlock> parse_pem(std::span<const std::uint8_t> bytes, std::string_view name) {
    const auto text = as_text(bytes);
    std::vector<PemBlock> blocks;
    std::size_t end = 0;
    for(auto at = find_line(text, begin_mark, 0); at != std::string_view::npos;
        at = find_line(text, begin_mark, end)) {
        const auto line_end = text.find_first_of("\r\n", at);
        const auto label_end = text.find(dashes, at + begin_mark.size());
        if(label_end == std::string_view::npos || line_end == std::string_view::npos || label_end > line_end) {
            throw malformed(name, "a BEGIN line of it has no end");
        }
        PemBlock block;
        block.label = text.substr(at + begin_mark.size(), label_end - at - begin_mark.size());
        const auto last_line = std::string(end_mark) + block.label + std::string(dashes);
        const auto body_end = find_line(text, last_line, line_end);
        if(body_end == std::string_view::npos) {
            throw malformed(name, "the block " + in_quotes(block.label) + " has no END line");
        }
        const auto body = text.substr(line_end, body_end - line_end);
        end = body_end + last_line.size();
        block.has_headers = body.find(':') != std::string_view::npos;
        if(!block.has_headers) {
            try {
                block.contents = Botan::base64_decode(body.data(), body.size());
            } catch(const Botan::Exception&) {
                // Without its cause: that quotes the characters it did not like, and these are of a key.
                throw malformed(name, "the block " + in_quotes(block.label) + " is not in base64");
            }
        }
        blocks.push_back(std::move(block));
    }
    return blocks;
}

}  // namespace keyway
