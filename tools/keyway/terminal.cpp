// SPDX-License-Identifier: BSD-2-Clause
#include "columns.hpp"

#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <unistd.h>

namespace keyway::cli {

namespace {

constexpr std::size_t line_width = 80;

bool write_all(int descriptor, const void* data, std::size_t size) noexcept {
    const auto* next = static_cast<const char*>(data);
    while(size > 0) {
        const auto done = ::write(descriptor, next, size);
        if(done < 0 && errno == EINTR) {
            continue;
        }
        if(done < 0) {
            return false;
        }
        next += done;
        size -= static_cast<std::size_t>(done);
    }
    return true;
}

void write_output(const void* data, std::size_t size) {
    if(!write_all(STDOUT_FILENO, data, size)) {
        throw Error(Errc::storage_failed,
                    "cannot write to standard output: " + std::generic_category().message(errno),
                    "what was asked for may have been done; only telling about it failed");
    }
}

}  // namespace

void print(std::string_view text) {
    write_output(text.data(), text.size());
}

void print_bytes(std::span<const std::uint8_t> bytes) {
    write_output(bytes.data(), bytes.size());
}

void print_error(std::string_view text) noexcept {
    static_cast<void>(write_all(STDERR_FILENO, text.data(), text.size()));
}

bool output_is_terminal() noexcept {
    return ::isatty(STDOUT_FILENO) == 1;
}

bool error_is_terminal() noexcept {
    return ::isatty(STDERR_FILENO) == 1;
}

std::string styled(std::string_view text, Style style, int descriptor) {
    const char* const no_colour = std::getenv("NO_COLOR");
    if(style == Style::plain || ::isatty(descriptor) != 1 || (no_colour != nullptr && *no_colour != '\0')) {
        return std::string(text);
    }
    const char* const code = style == Style::bold  ? "\x1b[1m"
                             : style == Style::red ? "\x1b[1;31m"
                                                   : "\x1b[33m";
    return code + std::string(text) + "\x1b[0m";
}

std::string table(const Row& headings, const std::vector<Row>& rows) {
    Columns columns(headings);
    for(const auto& row : rows) {
        columns.fit(row);
    }
    auto out = columns.heading();
    for(const auto& row : rows) {
        out += columns.line(row);
    }
    return out;
}

std::string facts(const std::vector<std::pair<std::string, std::string>>& lines) {
    std::size_t widest = 0;
    for(const auto& [name, value] : lines) {
        widest = std::max(widest, value.empty() ? 0 : width(name));
    }
    std::string out;
    for(const auto& [name, value] : lines) {
        if(!value.empty()) {
            out += padded(name, widest) + "  " + visible(value) + "\n";
        }
    }
    return out;
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t first_column) {
    std::string out;
    auto column = first_column;
    auto at_start = true;
    while(!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        const auto word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if(!at_start && column + 1 + width(word) > line_width) {
            out += "\n" + std::string(indent, ' ');
            column = indent;
        } else if(!at_start) {
            out += ' ';
            ++column;
        }
        out += word;
        column += width(word);
        at_start = false;
    }
    return out;
}

}  // namespace keyway::cli
