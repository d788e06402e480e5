// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/token_maker_internal.hpp>

#include <softhsm_fixtures/errors.hpp>
#include <softhsm_fixtures/fill_token_internal.hpp>
#include <softhsm_fixtures/memory_folder_internal.hpp>
#include <softhsm_fixtures/prepared_token_internal.hpp>
#include <softhsm_fixtures/private_file_internal.hpp>
#include <softhsm_fixtures/random_internal.hpp>
#include <softhsm_fixtures/softhsm_config_internal.hpp>
#include <softhsm_fixtures/temporary_folder.hpp>
#include <softhsm_fixtures/token_initialiser_internal.hpp>

#include <algorithm>
#include <set>

namespace softhsm_fixtures::internal {

namespace fs = std::filesystem;

namespace {

[[nodiscard]] bool has_content(const TokenOptions& options) {
    return options.content && options.content->object_count() != 0;
}

[[nodiscard]] std::set<fs::path> entries(const fs::path& folder) {
    return {fs::directory_iterator(folder), fs::directory_iterator()};
}

/// SoftHSM's number of the slot with the token.
[[nodiscard]] unsigned long slot_of(const std::string& serial) {
    return std::stoul(serial.substr(serial.size() - 8), nullptr, 16) & 0x7fffffffUL;
}

void write_pin_files(const TokenDetails& token) {
    write_private_file(token.user_pin_file, token.user_pin);
    write_private_file(token.so_pin_file, token.so_pin);
}

/// Makes a token in a store of its own in `parent`, and takes it from there; nothing when it is not as
/// SoftHSM is known to make it.
[[nodiscard]] std::optional<TokenArchive> made_apart(const fs::path& module, const std::string& label,
                                                     const TokenOptions& options, const fs::path& parent) {
    TemporaryFolder folder("softhsm-making", parent);
    const TokenMaker::Store store{.module = module,
                                  .config = folder.path() / "softhsm2.conf",
                                  .directory = folder.path(),
                                  .tokens = folder.path() / "tokens",
                                  .serials = {}};
    make_softhsm_config(store.config, store.tokens);
    TokenDetails token;
    token.label = label;
    token.user_pin_file = folder.path() / "user-pin";
    token.so_pin_file = folder.path() / "so-pin";
    TokenMaker(store).make_in_place(token, options);
    const auto made = entries(store.tokens);
    auto archive = made.size() != 1 ? std::nullopt
                                    : archive_of(*made.begin(), {.label = token.label,
                                                                 .serial = token.serial,
                                                                 .user_pin = token.user_pin,
                                                                 .so_pin = token.so_pin});
    folder.remove();
    return archive;
}

} // namespace

void TokenMaker::make(TokenDetails& token, const TokenOptions& options) const {
    const bool prepared = options.prepared.value_or(has_content(options));
    const auto make_archive = [&]() -> std::optional<TokenArchive> {
        // Where a store is in memory itself, a copy made elsewhere would gain nothing.
        const auto memory = memory_folder(options.content ? options.content->object_count() : 0);
        if (!prepared && (!memory || is_in_memory(store_.directory))) {
            return std::nullopt;
        }
        if (memory && *memory != store_.directory) {
            try {
                return made_apart(store_.module, token.label, options, *memory);
            } catch (const FixtureError&) {
                // Others fill it at the same time, or it holds few files. Whatever else it was comes again on disk.
            }
        }
        return made_apart(store_.module, token.label, options, store_.directory);
    };
    const auto archive = prepared ? prepared_token(store_.module, options, make_archive) : make_archive();
    if (!archive) {
        make_in_place(token, options);
        return;
    }
    copy(*archive, token);
    if (prepared && options.fresh_pins) {
        change_pins(token, options);
    }
}

void TokenMaker::make_in_place(TokenDetails& token, const TokenOptions& options) const {
    token.user_pin = random_digits(options.user_pin_length);
    token.so_pin = random_digits(options.so_pin_length);
    write_pin_files(token);
    token.serial = initialise_token({.module = store_.module,
                                     .config = store_.config,
                                     .so_pin_file = token.so_pin_file,
                                     .user_pin_file = token.user_pin_file,
                                     .report_file = token.user_pin_file.string() + ".report",
                                     .label = token.label});
    if (has_content(options)) {
        fill_token({.module = store_.module,
                    .token_serial = token.serial,
                    .token_label = token.label,
                    .user_pin_file = token.user_pin_file,
                    .so_pin_file = token.so_pin_file,
                    .content = *options.content,
                    .work_folder = store_.directory,
                    .environment = {{"SOFTHSM2_CONF", store_.config.string()}}});
    }
}

void TokenMaker::copy(const TokenArchive& archive, TokenDetails& token) const {
    token.serial = new_serial();
    token.user_pin = archive.user_pin;
    token.so_pin = archive.so_pin;
    unpack(archive, store_.tokens, token.label, token.serial);
    write_pin_files(token);
}

void TokenMaker::change_pins(TokenDetails& token, const TokenOptions& options) const {
    TokenDetails changed = token;
    changed.user_pin = random_digits(options.user_pin_length);
    changed.so_pin = random_digits(options.so_pin_length);
    changed.user_pin_file += ".new";
    changed.so_pin_file += ".new";
    write_pin_files(changed);
    change_token_pins({.module = store_.module,
                       .config = store_.config,
                       .serial = token.serial,
                       .so_pin_file = token.so_pin_file,
                       .user_pin_file = token.user_pin_file,
                       .new_so_pin_file = changed.so_pin_file,
                       .new_user_pin_file = changed.user_pin_file,
                       .report_file = token.user_pin_file.string() + ".report"});
    fs::rename(changed.user_pin_file, token.user_pin_file);
    fs::rename(changed.so_pin_file, token.so_pin_file);
    token.user_pin = changed.user_pin;
    token.so_pin = changed.so_pin;
}

std::string TokenMaker::new_serial() const {
    // SoftHSM ends the process when two tokens have one slot number, and numbers its free slot from 0.
    constexpr unsigned long first = 65'536;
    while (true) {
        std::string serial = random_hex(16);
        const auto same_slot = [&](const std::string& other) { return slot_of(other) == slot_of(serial); };
        if (slot_of(serial) >= first &&
            std::none_of(store_.serials.begin(), store_.serials.end(), same_slot)) {
            return serial;
        }
    }
}

} // namespace softhsm_fixtures::internal
