// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/key/pem_internal.hpp>

#include <botan/base64.h>
#include <botan/exceptn.h>

#include <algorithm>
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

/// Takes the headers off a block's body: lines with a colon, each perhaps continued by lines that begin with a blank, up to
/// an empty line.
std::map<std::string, std::string, std::less<>> take_headers(std::string_view& body) {
    std::map<std::string, std::string, std::less<>> headers;
    auto last = headers.end();
    std::string_view rest = body;
    for(bool first = true; !rest.empty(); first = false) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const auto text = line.substr(0, line.find_last_not_of("\r \t") + 1);
        const auto colon = text.find(':');
        if(text.empty() && !first) {
            body = rest;
            break;
        }
        if(colon != std::string_view::npos) {
            const auto value = text.find_first_not_of(" \t", colon + 1);
            last = headers.insert_or_assign(std::string(text.substr(0, colon)),
                                            std::string(value == std::string_view::npos ? "" : text.substr(value)))
                       .first;
        } else if(last != headers.end() && (line.front() == ' ' || line.front() == '\t')) {
            last->second += text.substr(text.find_first_not_of(" \t"));
        }
    }
    return headers;
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
        auto body = text.substr(line_end, body_end - line_end);
        end = body_end + last_line.size();
        if(body.find(':') != std::string_view::npos) {
            block.headers = take_headers(body);
        }
        try {
            block.contents = Botan::base64_decode(body.data(), body.size());
        } catch(const Botan::Exception&) {
            // Without its cause: that quotes the characters it did not like, and these are of a key.
            throw malformed(name, "the block " + in_quotes(block.label) + " is not in base64");
        }
        blocks.push_back(std::move(block));
    }
    return blocks;
}

}  // namespace keyway
