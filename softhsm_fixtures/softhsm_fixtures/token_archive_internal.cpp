// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/token_archive_internal.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/random_internal.hpp>
#include <softhsm_fixtures/sha256_internal.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace softhsm_fixtures::internal {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view magic = "softhsm-fixtures token 1\n";
constexpr std::size_t hash_size = 32;
constexpr std::size_t label_size = 32;
constexpr const char* token_file = "token.object";

[[nodiscard]] std::string padded(const std::string& label) {
    std::string result = label;
    result.resize(label_size, ' ');
    return result;
}

/// Where the text is; nothing unless it is there exactly once.
[[nodiscard]] std::optional<std::size_t> only_place(const std::string& content, const std::string& text) {
    const auto first = content.find(text);
    if (first == std::string::npos || content.find(text, first + 1) != std::string::npos) {
        return std::nullopt;
    }
    return first;
}

/// The token's own object with another label and serial; nothing when they are not where they are expected.
[[nodiscard]] std::optional<std::string> renamed(std::string content, const TokenArchive& archive,
                                                 const std::string& label, const std::string& serial) {
    const auto label_at = only_place(content, padded(archive.label));
    const auto serial_at = only_place(content, archive.serial);
    if (!label_at || !serial_at || archive.serial.size() != serial.size()) {
        return std::nullopt;
    }
    content.replace(*label_at, label_size, padded(label));
    content.replace(*serial_at, serial.size(), serial);
    return content;
}

/// SoftHSM names a token's folder with a UUID, and the serial is its last 16 digits.
[[nodiscard]] std::string folder_name(const std::string& serial) {
    const std::string first = random_hex(16);
    return first.substr(0, 8) + '-' + first.substr(8, 4) + '-' + first.substr(12, 4) + '-' +
           serial.substr(0, 4) + '-' + serial.substr(4);
}

/// An open folder in which files are made; faster than by path when there are thousands.
class Folder {
public:
    explicit Folder(const fs::path& path)
        : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
        if (descriptor_ < 0) {
            fail(path.filename().string());
        }
    }
    ~Folder() { ::close(descriptor_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    void write(const std::string& name, std::string_view content) const {
        const int file = ::openat(descriptor_, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file < 0) {
            fail(name);
        }
        bool written = true;
        while (written && !content.empty()) {
            const ssize_t size = ::write(file, content.data(), content.size());
            written = size > 0;
            content.remove_prefix(written ? static_cast<std::size_t>(size) : 0);
        }
        const int error = errno;
        if (::close(file) != 0 || !written) {
            errno = written ? errno : error;
            fail(name);
        }
    }

private:
    [[noreturn]] void fail(const std::string& name) const {
        throw FixtureError("cannot make \"" + (path_ / name).string() +
                           "\": " + std::generic_category().message(errno));
    }

    fs::path path_;
    int descriptor_;
};

class Writer {
public:
    void number(std::uint64_t value) {
        for (unsigned shift = 0; shift < 64; shift += 8) {
            text_.push_back(static_cast<char>((value >> shift) & 0xffU));
        }
    }
    void text(std::string_view value) {
        number(value.size());
        text_ += value;
    }
    [[nodiscard]] const std::string& get() const noexcept { return text_; }

private:
    std::string text_;
};

/// Reads what Writer has written; once something is missing, everything is.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}
    [[nodiscard]] std::uint64_t number() {
        if (text_.size() < 8) {
            fail();
            return 0;
        }
        std::uint64_t value = 0;
        for (std::size_t i = 8; i-- > 0;) {
            value = value << 8U | static_cast<unsigned char>(text_[i]);
        }
        text_.remove_prefix(8);
        return value;
    }
    [[nodiscard]] std::string text() {
        const std::uint64_t size = number();
        if (size > text_.size()) {
            fail();
            return {};
        }
        std::string value(text_.substr(0, size));
        text_.remove_prefix(size);
        return value;
    }
    [[nodiscard]] bool good() const noexcept { return good_; }
    [[nodiscard]] bool at_end() const noexcept { return good_ && text_.empty(); }

private:
    void fail() {
        good_ = false;
        text_ = {};
    }

    std::string_view text_;
    bool good_ = true;
};

[[nodiscard]] std::string_view as_text(const std::array<std::uint8_t, hash_size>& hash) {
    return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

} // namespace

std::optional<TokenArchive> archive_of(const fs::path& token_folder, TokenArchive archive) {
    archive.files.clear();
    for (const auto& entry : fs::directory_iterator(token_folder)) {
        if (!entry.is_regular_file() || entry.is_symlink()) {
            return std::nullopt;
        }
        std::ifstream file(entry.path(), std::ios::binary);
        std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        if (file.bad() || !file.is_open()) {
            return std::nullopt;
        }
        archive.files.push_back({entry.path().filename().string(), std::move(content)});
    }
    const auto own = std::find_if(archive.files.begin(), archive.files.end(),
                                  [](const auto& file) { return file.name == token_file; });
    const std::string other_serial(16, '0');
    if (own == archive.files.end() || archive.serial.size() != other_serial.size() ||
        !renamed(own->content, archive, archive.label, other_serial)) {
        return std::nullopt;
    }
    return archive;
}

void unpack(const TokenArchive& archive, const fs::path& tokens, const std::string& label,
            const std::string& serial) {
    const fs::path path = tokens / folder_name(serial);
    if (::mkdir(path.c_str(), 0700) != 0) {
        throw FixtureError("cannot make \"" + path.string() +
                           "\": " + std::generic_category().message(errno));
    }
    try {
        const Folder folder(path);
        for (const auto& file : archive.files) {
            if (file.name != token_file) {
                folder.write(file.name, file.content);
                continue;
            }
            const auto content = renamed(file.content, archive, label, serial);
            if (!content) {
                throw FixtureError("a prepared token has no label and serial to be changed");
            }
            folder.write(file.name, *content);
        }
    } catch (...) {
        std::error_code ignored;
        fs::remove_all(path, ignored);
        throw;
    }
}

std::string encoded(const TokenArchive& archive) {
    Writer body;
    body.number(static_cast<std::uint64_t>(archive.best_before));
    for (const auto* text : {&archive.label, &archive.serial, &archive.user_pin, &archive.so_pin}) {
        body.text(*text);
    }
    body.number(archive.files.size());
    for (const auto& file : archive.files) {
        body.text(file.name);
        body.text(file.content);
    }
    return std::string(magic).append(as_text(sha256(body.get()))).append(body.get());
}

std::optional<TokenArchive> decoded(std::string_view text) {
    if (text.size() < magic.size() + hash_size || !text.starts_with(magic)) {
        return std::nullopt;
    }
    const auto hash = text.substr(magic.size(), hash_size);
    text.remove_prefix(magic.size() + hash_size);
    if (as_text(sha256(text)) != hash) {
        return std::nullopt;
    }
    Reader reader(text);
    TokenArchive archive;
    archive.best_before = static_cast<std::int64_t>(reader.number());
    for (auto* member : {&archive.label, &archive.serial, &archive.user_pin, &archive.so_pin}) {
        *member = reader.text();
    }
    for (std::uint64_t left = reader.number(); left != 0 && reader.good(); --left) {
        std::string name = reader.text();
        std::string content = reader.text();
        archive.files.push_back({std::move(name), std::move(content)});
    }
    return reader.at_end() ? std::optional(std::move(archive)) : std::nullopt;
}

} // namespace softhsm_fixtures::internal
