// SPDX-License-Identifier: BSD-2-Clause
//
// softhsm-fixture-token-init MODULE INIT_ARGUMENTS version
// softhsm-fixture-token-init MODULE INIT_ARGUMENTS FLOW LABEL SO_PIN_FILE USER_PIN_FILE
//
// Tells the version of MODULE, whose configuration is in the environment or in INIT_ARGUMENTS, or initialises a token
// and sets its PINs. FLOW is the order of calls that the module wants: "initialise" is the usual one, "opencryptoki"
// replaces a first PIN that everybody knows. Reports on standard output: "version VERSION", "serial SERIAL" or
// "error TEXT".

#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

[[nodiscard]] const char* name_of(CK_RV value) {
    switch (value) {
    case CKR_GENERAL_ERROR: return "CKR_GENERAL_ERROR";
    case CKR_FUNCTION_FAILED: return "CKR_FUNCTION_FAILED";
    case CKR_ARGUMENTS_BAD: return "CKR_ARGUMENTS_BAD";
    case CKR_DEVICE_ERROR: return "CKR_DEVICE_ERROR";
    case CKR_DEVICE_MEMORY: return "CKR_DEVICE_MEMORY";
    case CKR_PIN_INCORRECT: return "CKR_PIN_INCORRECT";
    case CKR_PIN_INVALID: return "CKR_PIN_INVALID";
    case CKR_PIN_LEN_RANGE: return "CKR_PIN_LEN_RANGE";
    case CKR_TOKEN_NOT_PRESENT: return "CKR_TOKEN_NOT_PRESENT";
    case CKR_TOKEN_WRITE_PROTECTED: return "CKR_TOKEN_WRITE_PROTECTED";
    default: return "a PKCS#11 error";
    }
}

void check(const char* function, CK_RV value) {
    if (value != CKR_OK) {
        std::array<char, 32> number{};
        std::snprintf(number.data(), number.size(), "0x%lx", value);
        throw std::runtime_error(std::string(function) + " returned " + number.data() + " (" +
                                 name_of(value) + ")");
    }
}

using Pin = std::vector<CK_UTF8CHAR>;

[[nodiscard]] Pin read_pin(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    Pin pin{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) {
        throw std::runtime_error("cannot read \"" + path + "\"");
    }
    return pin;
}

[[nodiscard]] CK_FUNCTION_LIST& load(const char* module) {
    // Never closed: the process ends with its work, and unloading a crypto library gains nothing.
    void* library = ::dlopen(module, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        throw std::runtime_error(std::string("cannot load the module: ") + ::dlerror());
    }
    const auto get_functions = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    if (get_functions == nullptr) {
        throw std::runtime_error("\"" + std::string(module) + "\" is not a PKCS#11 module");
    }
    CK_FUNCTION_LIST* functions = nullptr;
    check("C_GetFunctionList", get_functions(&functions));
    return *functions;
}

template <typename Field>
[[nodiscard]] std::string trimmed(const Field& field) {
    std::string text(std::begin(field), std::end(field));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

/// The first slot with a token that is not initialised and, where a model is given, of that model.
[[nodiscard]] CK_SLOT_ID find_slot(CK_FUNCTION_LIST& p11, const std::string& model = {}) {
    CK_ULONG count = 0;
    check("C_GetSlotList", p11.C_GetSlotList(CK_TRUE, nullptr, &count));
    std::vector<CK_SLOT_ID> slots(count);
    check("C_GetSlotList", p11.C_GetSlotList(CK_TRUE, slots.data(), &count));
    slots.resize(count);
    for (const CK_SLOT_ID slot : slots) {
        CK_TOKEN_INFO info{};
        check("C_GetTokenInfo", p11.C_GetTokenInfo(slot, &info));
        if ((info.flags & CKF_TOKEN_INITIALIZED) == 0 && (model.empty() || trimmed(info.model) == model)) {
            return slot;
        }
    }
    throw std::runtime_error("the module has no free slot" + (model.empty() ? "" : " of an " + model));
}

void initialise_token(CK_FUNCTION_LIST& p11, CK_SLOT_ID slot, const std::string& label, Pin& so_pin) {
    std::array<CK_UTF8CHAR, 32> padded{};
    padded.fill(' ');
    std::copy_n(label.begin(), std::min(label.size(), padded.size()), padded.begin());
    check("C_InitToken", p11.C_InitToken(slot, so_pin.data(), so_pin.size(), padded.data()));
}

/// A session that ends with the object, which logs out.
class Session {
public:
    Session(CK_FUNCTION_LIST& p11, CK_SLOT_ID slot) : p11_(p11) {
        check("C_OpenSession",
              p11.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &handle_));
    }
    ~Session() { p11_.C_CloseSession(handle_); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void log_in(CK_USER_TYPE user, Pin& pin) { check("C_Login", p11_.C_Login(handle_, user, pin.data(), pin.size())); }
    void set_pin(Pin& old_pin, Pin& new_pin) {
        check("C_SetPIN", p11_.C_SetPIN(handle_, old_pin.data(), old_pin.size(), new_pin.data(), new_pin.size()));
    }
    void init_pin(Pin& pin) { check("C_InitPIN", p11_.C_InitPIN(handle_, pin.data(), pin.size())); }

private:
    CK_FUNCTION_LIST& p11_;
    CK_SESSION_HANDLE handle_ = 0;
};

[[nodiscard]] CK_SLOT_ID initialise(CK_FUNCTION_LIST& p11, const std::string& label, Pin so_pin, Pin user_pin) {
    const CK_SLOT_ID slot = find_slot(p11);
    // A null pointer would ask for a protected authentication path. NSS takes no PIN here, and lets the security
    // officer in without one as long as the user has none.
    so_pin.reserve(1);
    initialise_token(p11, slot, label, so_pin);
    Session session(p11, slot);
    session.log_in(CKU_SO, so_pin);
    session.init_pin(user_pin);
    return slot;
}

/// opencryptoki wants the officer's first PIN, which is the same everywhere, to be changed, and also the user's PIN
/// that the officer has set, before the token is of use.
[[nodiscard]] CK_SLOT_ID initialise_opencryptoki(CK_FUNCTION_LIST& p11, const std::string& label, Pin so_pin,
                                                 Pin user_pin) {
    const CK_SLOT_ID slot = find_slot(p11, "Soft");
    constexpr std::string_view first = "87654321";
    Pin first_so_pin(first.begin(), first.end());
    initialise_token(p11, slot, label, first_so_pin);
    Pin first_user_pin(user_pin.rbegin(), user_pin.rend());
    {
        Session session(p11, slot);
        session.log_in(CKU_SO, first_so_pin);
        session.set_pin(first_so_pin, so_pin);
        session.init_pin(first_user_pin);
    }
    Session session(p11, slot);
    session.log_in(CKU_USER, first_user_pin);
    session.set_pin(first_user_pin, user_pin);
    return slot;
}

void report_serial(CK_FUNCTION_LIST& p11, CK_SLOT_ID slot) {
    CK_TOKEN_INFO token{};
    check("C_GetTokenInfo", p11.C_GetTokenInfo(slot, &token));
    std::printf("serial %s\n", trimmed(token.serialNumber).c_str());
}

void report_version(CK_FUNCTION_LIST& p11) {
    CK_INFO info{};
    check("C_GetInfo", p11.C_GetInfo(&info));
    std::printf("version %u.%u\n", unsigned{info.libraryVersion.major}, unsigned{info.libraryVersion.minor});
}

void run(const std::vector<std::string>& arguments) {
    CK_FUNCTION_LIST& p11 = load(arguments[0].c_str());
    std::string init_arguments = arguments[1];
    CK_C_INITIALIZE_ARGS locking{};
    locking.flags = CKF_OS_LOCKING_OK;
    locking.pReserved = init_arguments.empty() ? nullptr : init_arguments.data();
    check("C_Initialize", p11.C_Initialize(&locking));
    const std::string& flow = arguments[2];
    if (flow == "version") {
        report_version(p11);
    } else {
        const auto how = flow == "opencryptoki" ? initialise_opencryptoki : initialise;
        report_serial(p11, how(p11, arguments[3], read_pin(arguments[4]), read_pin(arguments[5])));
    }
    check("C_Finalize", p11.C_Finalize(nullptr));
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() != 6 && (arguments.size() != 3 || arguments[2] != "version")) {
        std::fputs("usage: softhsm-fixture-token-init MODULE INIT_ARGUMENTS version\n"
                   "       softhsm-fixture-token-init MODULE INIT_ARGUMENTS FLOW LABEL SO_PIN_FILE USER_PIN_FILE\n",
                   stderr);
        return 2;
    }
    try {
        run(arguments);
        return 0;
    } catch (const std::exception& error) {
        std::printf("error %s\n", error.what());
        return 1;
    }
}
