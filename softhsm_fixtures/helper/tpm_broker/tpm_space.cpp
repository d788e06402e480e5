// SPDX-License-Identifier: BSD-2-Clause
#include "tpm_space.hpp"

#include <algorithm>

namespace tpm_broker {

namespace {

// TPM 2.0 part 2.
constexpr std::uint16_t st_no_sessions = 0x8001;
constexpr std::uint16_t st_sessions = 0x8002;
constexpr CommandCode cc_sequence_update = 0x15c;
constexpr CommandCode cc_context_load = 0x161;
constexpr CommandCode cc_context_save = 0x162;
constexpr CommandCode cc_flush_context = 0x165;
constexpr CommandCode cc_get_capability = 0x17a;
constexpr std::uint32_t cap_handles = 1;
constexpr std::uint32_t cap_commands = 2;
constexpr std::uint32_t rc_success = 0;
constexpr std::uint32_t rc_handle_1 = 0x18b; // TPM_RC_HANDLE for the first handle
constexpr std::uint32_t rc_failure = 0x101;

constexpr Handle first_transient = 0x80000000;
constexpr std::size_t header_size = 10;

/// A command or response of the TPM is bad: neither of them is for a broker to repair.
struct Malformed {};

[[nodiscard]] std::uint32_t number_at(const Bytes& bytes, std::size_t at, std::size_t size = 4) {
    if (at + size > bytes.size()) {
        throw Malformed();
    }
    std::uint32_t number = 0;
    for (std::size_t index = 0; index < size; ++index) {
        number = (number << 8U) | bytes[at + index];
    }
    return number;
}

void append(Bytes& bytes, std::uint32_t number, std::size_t size = 4) {
    while (size-- > 0) {
        bytes.push_back(static_cast<std::uint8_t>(number >> (8U * size)));
    }
}

void replace_at(Bytes& bytes, std::size_t at, std::uint32_t number) {
    Bytes written;
    append(written, number);
    std::copy(written.begin(), written.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

/// A command without sessions, or a response: both have the same header.
[[nodiscard]] Bytes packet(std::uint32_t code, const Bytes& body = {}) {
    Bytes bytes;
    append(bytes, st_no_sessions, 2);
    append(bytes, static_cast<std::uint32_t>(header_size + body.size()));
    append(bytes, code);
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}

[[nodiscard]] Bytes packet(std::uint32_t code, std::initializer_list<std::uint32_t> numbers) {
    Bytes body;
    for (const std::uint32_t number : numbers) {
        append(body, number);
    }
    return packet(code, body);
}

[[nodiscard]] bool is_success(const Bytes& response) {
    return number_at(response, 6) == rc_success;
}

[[nodiscard]] bool is_transient(Handle handle) {
    return handle >> 24U == 0x80;
}

[[nodiscard]] bool is_session(Handle handle) {
    return handle >> 24U == 0x02 || handle >> 24U == 0x03;
}

[[nodiscard]] Bytes body_of(const Bytes& response) {
    return {response.begin() + static_cast<std::ptrdiff_t>(header_size), response.end()};
}

} // namespace

CommandTable::CommandTable(const Transmit& transmit) {
    CommandCode next = 0;
    bool more = true;
    while (more) {
        const Bytes response = transmit(packet(cc_get_capability, {cap_commands, next, 256}));
        more = is_success(response) && response.at(header_size) != 0;
        const std::uint32_t count = is_success(response) ? number_at(response, header_size + 5) : 0;
        for (std::uint32_t index = 0; index < count; ++index) {
            const std::uint32_t attributes = number_at(response, header_size + 9 + std::size_t{4} * index);
            const CommandCode code = attributes & 0xffffU;
            attributes_[code] = attributes;
            next = code + 1;
        }
        more = more && count > 0;
    }
}

std::uint32_t CommandTable::attributes_of(CommandCode code) const {
    const auto found = attributes_.find(code);
    return found == attributes_.end() ? 0 : found->second;
}

Bytes Space::execute(Bytes command) {
    std::vector<Loaded> objects;
    std::vector<Handle> sessions;
    try {
        const CommandCode code = number_at(command, 6);
        if (code == cc_flush_context) {
            return flush(command, number_at(command, header_size));
        }
        if (code == cc_get_capability && number_at(command, header_size) == cap_handles &&
            is_transient(number_at(command, header_size + 4))) {
            return transient_handles();
        }
        Bytes response = execute_loaded(std::move(command), objects, sessions);
        put_back(code, is_success(response), objects);
        put_back(sessions);
        return response;
    } catch (const Malformed&) {
        put_back(0, false, objects);
        put_back(sessions);
        return packet(rc_failure);
    }
}

Bytes Space::execute_loaded(Bytes command, std::vector<Loaded>& objects, std::vector<Handle>& sessions) {
    const CommandCode code = number_at(command, 6);
    const std::size_t count = commands_.handles_of(code);
    for (std::size_t index = 0; index < count; ++index) {
        const std::size_t at = header_size + 4 * index;
        const Handle handle = number_at(command, at);
        if (is_session(handle)) {
            load_session(handle, sessions);
        }
        if (!is_transient(handle)) {
            continue;
        }
        const auto found = objects_.find(handle);
        const Bytes loaded =
            found == objects_.end() ? Bytes{} : transmit_(packet(cc_context_load, found->second));
        if (loaded.empty() || !is_success(loaded)) {
            return packet(rc_handle_1 + static_cast<std::uint32_t>(index << 8U));
        }
        objects.push_back({handle, number_at(loaded, header_size)});
        replace_at(command, at, objects.back().real);
    }
    if (number_at(command, 0, 2) == st_sessions) {
        load_sessions_of_authorisations(command, header_size + 4 * count, sessions);
    }
    Bytes response = transmit_(command);
    if (is_success(response) && commands_.returns_handle(code)) {
        adopt_returned_handle(response, sessions);
    }
    if (is_success(response) && code == cc_context_save && is_session(number_at(command, header_size))) {
        sessions_.erase(number_at(command, header_size)); // the process keeps it from now on
    }
    return response;
}

/// @spec TPM 2.0 part 1, 18.7: the handle to flush is a parameter
Bytes Space::flush(const Bytes& command, Handle handle) {
    if (is_transient(handle)) {
        return packet(objects_.erase(handle) != 0 ? rc_success : rc_handle_1);
    }
    sessions_.erase(handle);
    return transmit_(command);
}

Bytes Space::transient_handles() const {
    Bytes body = {0}; // no more
    append(body, cap_handles);
    append(body, static_cast<std::uint32_t>(objects_.size()));
    for (const auto& [handle, context] : objects_) {
        append(body, handle);
    }
    return packet(rc_success, body);
}

void Space::load_session(Handle handle, std::vector<Handle>& loaded) {
    const auto found = sessions_.find(handle);
    if (found == sessions_.end() || found->second.empty()) {
        return; // another's, or loaded already: the TPM will say
    }
    if (is_success(transmit_(packet(cc_context_load, found->second)))) {
        found->second.clear();
        loaded.push_back(handle);
    }
}

/// @spec TPM 2.0 part 1, 18.6: after the handles come the size and the authorisations
void Space::load_sessions_of_authorisations(const Bytes& command, std::size_t at, std::vector<Handle>& loaded) {
    const std::size_t end = at + 4 + number_at(command, at);
    at += 4;
    while (at < end) {
        const Handle handle = number_at(command, at);
        if (is_session(handle)) {
            load_session(handle, loaded);
        }
        at += 4 + 2 + number_at(command, at + 4, 2); // handle, nonce
        at += 1 + 2 + number_at(command, at + 1, 2); // attributes, HMAC
    }
}

void Space::adopt_returned_handle(Bytes& response, std::vector<Handle>& sessions) {
    const Handle real = number_at(response, header_size);
    if (is_session(real)) {
        sessions_[real].clear();
        sessions.push_back(real);
    }
    if (!is_transient(real)) {
        return;
    }
    const Bytes saved = transmit_(packet(cc_context_save, {real}));
    static_cast<void>(transmit_(packet(cc_flush_context, {real})));
    if (!is_success(saved)) {
        response = packet(number_at(saved, 6));
        return;
    }
    Handle own = first_transient;
    while (objects_.contains(own)) {
        ++own;
    }
    objects_[own] = body_of(saved);
    replace_at(response, header_size, own);
}

void Space::put_back(CommandCode code, bool succeeded, const std::vector<Loaded>& objects) {
    for (const Loaded& object : objects) {
        if (succeeded && commands_.flushes(code)) {
            objects_.erase(object.own);
            continue;
        }
        // Only a sequence changes; any other object's context is good for ever.
        if (code == cc_sequence_update) {
            const Bytes saved = transmit_(packet(cc_context_save, {object.real}));
            if (is_success(saved)) {
                objects_[object.own] = body_of(saved);
            }
        }
        static_cast<void>(transmit_(packet(cc_flush_context, {object.real})));
    }
}

void Space::put_back(const std::vector<Handle>& sessions) {
    for (const Handle session : sessions) {
        const auto found = sessions_.find(session);
        if (found == sessions_.end()) {
            continue;
        }
        // To save a session takes it out of the TPM. One that has ended with the command cannot be saved.
        const Bytes saved = transmit_(packet(cc_context_save, {session}));
        if (is_success(saved)) {
            found->second = body_of(saved);
        } else {
            sessions_.erase(found);
        }
    }
}

void Space::abandon() {
    for (const auto& [session, context] : sessions_) {
        static_cast<void>(transmit_(packet(cc_flush_context, {session})));
    }
    sessions_.clear();
    objects_.clear();
}

} // namespace tpm_broker
