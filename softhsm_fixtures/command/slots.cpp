// SPDX-License-Identifier: BSD-2-Clause
#include "slots.hpp"

#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace softhsm_fixtures::command {

namespace {

template <std::size_t Size>
[[nodiscard]] bool is(const unsigned char (&field)[Size], std::string_view text) {
    std::string_view given(reinterpret_cast<const char*>(field), Size);
    given = given.substr(0, given.find_last_not_of(' ') + 1);
    return given == text;
}

/// The slot's number as text; empty when something fails.
[[nodiscard]] std::string ask(const SlotRequest& request) {
    void* library = ::dlopen(request.module.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* symbol = library != nullptr ? ::dlsym(library, "C_GetFunctionList") : nullptr;
    if (symbol == nullptr) {
        return {};
    }
    CK_FUNCTION_LIST* p11 = nullptr;
    if (reinterpret_cast<CK_C_GetFunctionList>(symbol)(&p11) != CKR_OK) {
        return {};
    }
    std::string reserved = request.init_arguments;
    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    arguments.pReserved = reserved.empty() ? nullptr : reserved.data();
    CK_ULONG count = 0;
    if (p11->C_Initialize(&arguments) != CKR_OK || p11->C_GetSlotList(CK_TRUE, nullptr, &count) != CKR_OK) {
        return {};
    }
    std::vector<CK_SLOT_ID> slots(count);
    if (p11->C_GetSlotList(CK_TRUE, slots.data(), &count) != CKR_OK) {
        return {};
    }
    slots.resize(count);
    for (const CK_SLOT_ID slot : slots) {
        CK_TOKEN_INFO info{};
        if (p11->C_GetTokenInfo(slot, &info) == CKR_OK && is(info.label, request.token.label) &&
            is(info.serialNumber, request.token.serial)) {
            return std::to_string(slot);
        }
    }
    return {};
}

[[noreturn]] void answer(int pipe, const SlotRequest& request) {
    for (const auto& [name, value] : request.environment) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
    // What the module prints is not for whoever runs the command.
    if (const int null = ::open("/dev/null", O_RDWR); null >= 0) {
        ::dup2(null, STDOUT_FILENO);
        ::dup2(null, STDERR_FILENO);
    }
    const std::string slot = ask(request);
    const bool written = ::write(pipe, slot.data(), slot.size()) == static_cast<ssize_t>(slot.size());
    // Without the module's exit handlers: some crash.
    ::_exit(written ? 0 : 1);
}

} // namespace

std::string slot_of_token(const SlotRequest& request) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) {
        return {};
    }
    const pid_t process = ::fork();
    if (process == 0) {
        ::close(ends[0]);
        answer(ends[1], request);
    }
    ::close(ends[1]);
    std::string slot;
    std::array<char, 32> buffer{};
    for (;;) {
        const ssize_t got = ::read(ends[0], buffer.data(), buffer.size());
        if (got > 0) {
            slot.append(buffer.data(), static_cast<std::size_t>(got));
        } else if (got == 0 || errno != EINTR) {
            break;
        }
    }
    ::close(ends[0]);
    while (process > 0 && ::waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
    }
    return slot;
}

} // namespace softhsm_fixtures::command
