// SPDX-License-Identifier: BSD-2-Clause
#include "support.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <sys/wait.h>

namespace support {

namespace {

void set(const std::string& name, const std::optional<std::string>& value) {
    if (value) {
        ::setenv(name.c_str(), value->c_str(), 1);
    } else {
        ::unsetenv(name.c_str());
    }
}

void must_be_ok(const char* function, CK_RV value) {
    if (value != CKR_OK) {
        throw std::runtime_error(std::string(function) + " returned " + std::to_string(value));
    }
}

template <typename Field>
[[nodiscard]] std::string trimmed(const Field& field) {
    std::string text(std::begin(field), std::end(field));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

[[nodiscard]] CK_UTF8CHAR* bytes(std::string& text) {
    return reinterpret_cast<CK_UTF8CHAR*>(text.data());
}

[[nodiscard]] std::vector<CK_SLOT_ID> slots_of(CK_FUNCTION_LIST& p11) {
    CK_ULONG count = 0;
    must_be_ok("C_GetSlotList", p11.C_GetSlotList(CK_TRUE, nullptr, &count));
    std::vector<CK_SLOT_ID> slots(count);
    must_be_ok("C_GetSlotList", p11.C_GetSlotList(CK_TRUE, slots.data(), &count));
    return slots;
}

} // namespace

Variable::Variable(std::string name, const std::optional<std::string>& value)
    : name_(std::move(name)), before_(variable(name_)) {
    set(name_, value);
}

Variable::~Variable() {
    set(name_, before_);
}

std::optional<std::string> variable(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

unsigned mode_of(const std::filesystem::path& path) {
    return static_cast<unsigned>(std::filesystem::status(path).permissions());
}

std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Finished run(const std::string& command) {
    FILE* pipe = ::popen(("{ " + command + "\n} 2>&1").c_str(), "r");
    if (pipe == nullptr) {
        throw std::runtime_error("cannot run a shell");
    }
    Finished finished;
    std::array<char, 4096> buffer{};
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
        finished.output.append(buffer.data(), size);
    }
    const int status = ::pclose(pipe);
    finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return finished;
}

OpenModule::OpenModule(const std::filesystem::path& path, std::string init_arguments)
    : library_(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) {
        throw std::runtime_error(::dlerror());
    }
    const auto get_functions = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library_, "C_GetFunctionList"));
    must_be_ok("C_GetFunctionList", get_functions(&p11_));
    CK_C_INITIALIZE_ARGS locking{};
    locking.flags = CKF_OS_LOCKING_OK;
    locking.pReserved = init_arguments.empty() ? nullptr : init_arguments.data();
    must_be_ok("C_Initialize", p11_->C_Initialize(&locking));
}

OpenModule::~OpenModule() {
    // The library stays loaded: only its state has to go.
    p11_->C_Finalize(nullptr);
}

std::vector<SeenToken> OpenModule::tokens() const {
    std::vector<SeenToken> seen;
    for (const CK_SLOT_ID slot : slots_of(*p11_)) {
        CK_TOKEN_INFO info{};
        must_be_ok("C_GetTokenInfo", p11_->C_GetTokenInfo(slot, &info));
        if ((info.flags & CKF_TOKEN_INITIALIZED) != 0) {
            seen.push_back({trimmed(info.label), trimmed(info.serialNumber)});
        }
    }
    std::sort(seen.begin(), seen.end(), [](const auto& a, const auto& b) { return a.serial < b.serial; });
    return seen;
}

CK_SESSION_HANDLE OpenModule::open_session(const std::string& serial) const {
    for (const CK_SLOT_ID slot : slots_of(*p11_)) {
        CK_TOKEN_INFO info{};
        must_be_ok("C_GetTokenInfo", p11_->C_GetTokenInfo(slot, &info));
        if (trimmed(info.serialNumber) == serial) {
            CK_SESSION_HANDLE session = 0;
            must_be_ok("C_OpenSession", p11_->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                                            nullptr, nullptr, &session));
            return session;
        }
    }
    throw std::runtime_error("there is no token with serial " + serial);
}

CK_RV OpenModule::login(const std::string& serial, CK_USER_TYPE who, std::string pin) const {
    const CK_SESSION_HANDLE session = open_session(serial);
    const CK_RV result = p11_->C_Login(session, who, bytes(pin), pin.size());
    p11_->C_CloseSession(session); // the last session of the token: logs out
    return result;
}

std::size_t OpenModule::store_and_find(const std::string& serial, std::string pin) const {
    const CK_SESSION_HANDLE session = open_session(serial);
    must_be_ok("C_Login", p11_->C_Login(session, CKU_USER, bytes(pin), pin.size()));

    CK_OBJECT_CLASS data = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    std::array<CK_ATTRIBUTE, 3> object = {CK_ATTRIBUTE{CKA_CLASS, &data, sizeof data},
                                          CK_ATTRIBUTE{CKA_TOKEN, &yes, sizeof yes},
                                          CK_ATTRIBUTE{CKA_PRIVATE, &yes, sizeof yes}};
    CK_OBJECT_HANDLE handle = 0;
    must_be_ok("C_CreateObject", p11_->C_CreateObject(session, object.data(), object.size(), &handle));

    std::array<CK_OBJECT_HANDLE, 8> found{};
    CK_ULONG count = 0;
    must_be_ok("C_FindObjectsInit", p11_->C_FindObjectsInit(session, object.data(), object.size()));
    must_be_ok("C_FindObjects", p11_->C_FindObjects(session, found.data(), found.size(), &count));
    must_be_ok("C_FindObjectsFinal", p11_->C_FindObjectsFinal(session));
    must_be_ok("C_CloseSession", p11_->C_CloseSession(session));
    return count;
}

} // namespace support
