// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/login_internal.hpp>
#include <keyway/pkcs11/module_internal.hpp>
#include <keyway/pkcs11/quirks/module_info_internal.hpp>
#include <keyway/pkcs11/quirks/names_internal.hpp>
#include <keyway/pkcs11/quirks/probe_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <array>
#include <dlfcn.h>
#include <utility>

namespace keyway::pkcs11 {

namespace {

/// CK_INTERFACE, which p11-kit's headers have from 0.25 on.
/// @spec PKCS#11 3.0 3.1
struct Interface {
    const char* name;
    const CK_VERSION* functions;  // every function list begins with its version
    CK_FLAGS flags;
};

std::optional<std::vector<std::string>> interfaces_of(const std::string& path, std::vector<std::string>& notes) {
    // p11-kit hands out a list of its own, so the library is asked itself; it is loaded already.
    void* const library = ::dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if(library == nullptr) {
        notes.push_back("the module's interfaces are unknown: its library cannot be opened by itself");
        return std::nullopt;
    }
    std::optional<std::vector<std::string>> found;
    if(void* const symbol = ::dlsym(library, "C_GetInterfaceList"); symbol != nullptr) {
        using ListCall = CK_RV (*)(Interface*, CK_ULONG*);
        const auto call = reinterpret_cast<ListCall>(symbol);
        CK_ULONG count = 0;
        auto result = call(nullptr, &count);
        std::vector<Interface> all(count);
        if(result == CKR_OK && count > 0) {
            result = call(all.data(), &count);
        }
        if(result == CKR_OK) {
            found.emplace();
            for(const auto& interface : std::span(all).first(std::min<std::size_t>(all.size(), count))) {
                found->push_back(std::string(interface.name) + " " + std::to_string(interface.functions->major) + "." +
                                 std::to_string(interface.functions->minor));
            }
        } else {
            notes.push_back("C_GetInterfaceList answers " + return_value_name(result));
        }
    }
    ::dlclose(library);
    return found;
}

std::vector<std::string> listed_mechanisms(FunctionList& calls, CK_SLOT_ID slot) {
    CK_ULONG count = 0;
    auto result = calls.C_GetMechanismList(slot, nullptr, &count);
    std::vector<CK_MECHANISM_TYPE> types(count);
    if(result == CKR_OK && count > 0) {
        result = calls.C_GetMechanismList(slot, types.data(), &count);
    }
    if(result != CKR_OK) {
        throw call_failed(result, "list the token's mechanisms");
    }
    types.resize(std::min<std::size_t>(types.size(), count));
    std::ranges::sort(types);
    std::vector<std::string> names;
    for(const auto type : types) {
        names.push_back(constant_name(NameFamily::mechanisms, type));
    }
    return names;
}

std::string state_of(const Session& session) {
    CK_SESSION_INFO info{};
    if(const auto result = session.calls().C_GetSessionInfo(session.handle(), &info); result != CKR_OK) {
        return return_value_name(result);
    }
    switch(info.state) {
        case CKS_RO_PUBLIC_SESSION:
            return "CKS_RO_PUBLIC_SESSION";
        case CKS_RO_USER_FUNCTIONS:
            return "CKS_RO_USER_FUNCTIONS";
        case CKS_RW_PUBLIC_SESSION:
            return "CKS_RW_PUBLIC_SESSION";
        case CKS_RW_USER_FUNCTIONS:
            return "CKS_RW_USER_FUNCTIONS";
        case CKS_RW_SO_FUNCTIONS:
            return "CKS_RW_SO_FUNCTIONS";
        default:
            return std::to_string(info.state);
    }
}

/// What C_Login answers to one who is logged in: with the PIN that was right a moment ago, so that no try is lost.
std::string second_login(const Session& session, const Secret& pin) {
    auto* const bytes = const_cast<CK_UTF8CHAR*>(pin.reveal_bytes().data());  // PKCS#11 lacks the const and reads only
    return return_value_name(session.calls().C_Login(session.handle(), CKU_USER, bytes, pin.size()));
}

CK_FLAGS flags_of(SessionMode mode) {
    return CKF_SERIAL_SESSION | (mode == SessionMode::read_write ? CKF_RW_SESSION : 0);
}

void count_sessions(FunctionList& calls, CK_SLOT_ID slot, SessionMode mode, std::size_t most, ProbeReport& report) {
    std::vector<CK_SESSION_HANDLE> opened;
    std::size_t others = 2;  // of the login, and the one to try things in
    while(opened.size() + others < most) {
        CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;
        const auto result = calls.C_OpenSession(slot, flags_of(mode), nullptr, nullptr, &handle);
        if(result != CKR_OK) {
            report.session_answer = return_value_name(result);
            break;
        }
        opened.push_back(handle);
    }
    report.sessions = opened.size() + others;
    for(const auto handle : opened) {
        calls.C_CloseSession(handle);
    }
}

void time_calls(const TrialSession& trials, CK_SLOT_ID slot, SessionMode mode, std::size_t repeats, ProbeReport& report) {
    auto& calls = trials.calls();
    const auto time = [&](std::string name, const auto& call) {
        report.times.push_back({std::move(name), median_time(repeats, call)});
    };
    time("C_GetSessionInfo", [&] {
        CK_SESSION_INFO info{};
        calls.C_GetSessionInfo(trials.handle(), &info);
    });
    time("C_OpenSession, C_CloseSession", [&] {
        CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;
        if(calls.C_OpenSession(slot, flags_of(mode), nullptr, nullptr, &handle) == CKR_OK) {
            calls.C_CloseSession(handle);
        }
    });
    time("C_GenerateRandom, 32 bytes", [&] {
        std::array<CK_BYTE, 32> bytes{};
        calls.C_GenerateRandom(trials.handle(), bytes.data(), bytes.size());
    });
    time("C_FindObjects, private keys", [&] {
        Template wanted;
        wanted.add_number(CKA_CLASS, CKO_PRIVATE_KEY);
        static_cast<void>(find_objects(trials.session(), std::move(wanted)));
    });
}

/// Without keys to make, those that are there show the form of their points.
void look_at_public_keys(const Session& session, ProbeReport& report) {
    for(const auto& [type, form] : {std::pair{CK_ULONG{CKK_EC}, &report.ec_point},
                                    std::pair{CK_ULONG{CKK_EC_EDWARDS}, &report.edwards_point}}) {
        Template wanted;
        wanted.add_number(CKA_CLASS, CKO_PUBLIC_KEY);
        wanted.add_number(CKA_KEY_TYPE, type);
        const auto objects = find_objects(session, std::move(wanted));
        if(!objects.empty() && !*form) {
            *form = point_form(session, objects.front(), type == CKK_EC_EDWARDS);
        }
    }
}

}  // namespace

TrialSession::TrialSession(std::shared_ptr<const Module> module, CK_SLOT_ID slot, SessionMode mode)
    : module_(std::move(module)), slot_(slot), mode_(mode) {
    replace();
}

void TrialSession::replace() {
    session_ = nullptr;  // first, as there may be no room for two
    session_ = std::make_unique<Session>(module_, slot_, mode_);
}

ProbeReport probe_token(const ModuleName& module_name, const TokenSelector& selector, const ProbeOptions& options) {
    if(options.key_label && !options.make_session_keys) {
        throw Error(Errc::invalid_argument, "a key of the token is compared with a session copy of it, which may not be made",
                    "allow session keys");
    }
    const auto module = Module::open(module_name.value, module_name.init_args);
    const Module::Use use(*module);
    ProbeReport report;
    report.token = select_token(module->tokens(use), selector, module->name());
    report.module = module_info(*module);
    report.interfaces = interfaces_of(module_path(*module), report.notes);
    report.mechanisms = listed_mechanisms(module->calls(), report.token.slot);

    const auto slot = static_cast<CK_SLOT_ID>(report.token.slot);
    const bool read_write = load_quirks("auto", report.token, report.module).read_write_sessions;
    const auto mode = usable_mode(module, slot, read_write ? SessionMode::read_write : SessionMode::read_only);
    TrialSession trials(module, slot, mode);
    report.state_before_login = state_of(trials.session());
    std::optional<Secret> pin;
    std::optional<Session> login;
    if(report.token.login_required) {
        login.emplace(module, slot, mode);
        const PinProvider reading(
            [&] {
                pin = options.pin();
                return pin->clone();
            },
            PinProvider::From::source, options.user_name);
        constexpr std::chrono::minutes patience{5};  // a person may be typing
        log_in_user(*module, use, slot, *login, reading, Deadline(patience));
        report.state_after_login = state_of(trials.session());
        if(pin && options.user_name.empty()) {
            report.second_login = second_login(trials.session(), *pin);
        }
    }

    time_calls(trials, slot, mode, options.repeats, report);
    if(options.make_session_keys) {
        const Session keeper(module, slot, mode);  // session objects go with the session that made them
        const auto keys = make_probed_keys(keeper, options, report);
        probe_signing(trials, keys, options, report);
        probe_copies(trials, keys, options, report);
        for(const auto& key : keys) {
            keeper.calls().C_DestroyObject(keeper.handle(), key.private_object);
            keeper.calls().C_DestroyObject(keeper.handle(), key.public_object);
        }
    }
    look_at_public_keys(trials.session(), report);
    if(options.sessions > 0) {
        trials.replace();
        count_sessions(module->calls(), slot, mode, options.sessions, report);
        if(!login && report.sessions) {
            --*report.sessions;
        }
    }
    return report;
}

}  // namespace keyway::pkcs11
