// SPDX-License-Identifier: BSD-2-Clause
// A mock of a PKCS#11 3.2 module: one token in this process's memory, worked by Botan. No module that can be installed does what it
// does, so it says what the published standard says a module does, and shows nothing of how real ones differ.
//
// Has X25519 and X448 (CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKM_ECDH1_DERIVE), Ed25519 and Ed448, ML-DSA and SLH-DSA; C_GetInterface,
// C_LoginUser and C_SessionCancel. For Ed448 it wants CK_EDDSA_PARAMS, as the standard has it and SoftHSM does not check. The user PIN is "1234". pReserved of C_Initialize steers it, with words in it: "user=NAME" has it take logins by
// C_LoginUser with that name only; "expanded-keys" has it refuse CKA_SEED, as tokens do that know an ML-DSA key by its CKA_VALUE only.
#include "mock_objects.hpp"

#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <array>
#include <cstring>
#include <mutex>

namespace {

using namespace pkcs11_mock;

constexpr CK_SLOT_ID the_slot = 7;
constexpr std::string_view the_pin = "1234";

struct Session {
    bool read_write = false;
    CK_OBJECT_HANDLE signs_with = CK_INVALID_HANDLE;
    bool searching = false;
    std::vector<CK_OBJECT_HANDLE> found;
};

struct State {
    std::mutex mutex;
    bool initialised = false;
    bool logged_in = false;
    std::string user;
    bool expanded_keys = false;
    std::map<CK_SESSION_HANDLE, Session> sessions;
    Objects objects;
    CK_ULONG next = 1;
};

State& state() {
    static auto* const one = new State;  // other threads may still be in a call when the process ends
    return *one;
}

/// Runs a call under the lock, once initialised; what Botan throws is a fault of the token.
template <typename Work>
CK_RV call(const Work& work) noexcept {
    try {
        auto& all = state();
        const std::lock_guard lock(all.mutex);
        return all.initialised ? work(all) : CKR_CRYPTOKI_NOT_INITIALIZED;
    } catch(const std::exception&) {
        return CKR_FUNCTION_FAILED;
    }
}

template <typename Work>
CK_RV in_session(CK_SESSION_HANDLE handle, const Work& work) noexcept {
    return call([&](State& all) {
        const auto found = all.sessions.find(handle);
        return found == all.sessions.end() ? CKR_SESSION_HANDLE_INVALID : work(all, found->second);
    });
}

template <typename Work>
CK_RV with_object(State& all, CK_OBJECT_HANDLE handle, const Work& work) {
    const auto found = all.objects.find(handle);
    if(found == all.objects.end() || (found->second.flag(CKA_PRIVATE) && !all.logged_in)) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    return work(found->second);
}

template <std::size_t Size>
void put_text(CK_UTF8CHAR (&field)[Size], std::string_view text) {
    std::memset(field, ' ', Size);
    std::memcpy(field, text.data(), text.size());
}

constexpr std::array<std::pair<CK_MECHANISM_TYPE, CK_FLAGS>, 8> mechanisms{{
    {CKM_EC_EDWARDS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR},
    {CKM_EDDSA, CKF_SIGN},
    {CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR},
    {CKM_ECDH1_DERIVE, CKF_DERIVE},
    {CKM_ML_DSA_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR},
    {CKM_ML_DSA, CKF_SIGN},
    {CKM_SLH_DSA_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR},
    {CKM_SLH_DSA, CKF_SIGN},
}};

CK_RV initialize(void* arguments) {
    auto& all = state();
    const std::lock_guard lock(all.mutex);
    if(all.initialised) {
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    }
    const auto* const args = static_cast<CK_C_INITIALIZE_ARGS*>(arguments);
    const std::string words = args == nullptr || args->pReserved == nullptr ? "" : static_cast<const char*>(args->pReserved);
    const auto user = words.find("user=");
    all.user = user == std::string::npos ? "" : words.substr(user + 5, words.find(' ', user) - user - 5);
    all.expanded_keys = words.find("expanded-keys") != std::string::npos;
    all.initialised = true;
    return CKR_OK;
}

CK_RV finalize(void*) {
    return call([](State& all) {
        all.initialised = all.logged_in = false;
        all.sessions.clear();
        std::erase_if(all.objects, [](const auto& one) { return !one.second.flag(CKA_TOKEN); });
        return CKR_OK;
    });
}

CK_RV get_info(CK_INFO* info) {
    *info = {};
    info->cryptokiVersion = {3, 2};
    put_text(info->manufacturerID, "Keyway tests");
    put_text(info->libraryDescription, "mock of PKCS#11 3.2");
    return CKR_OK;
}

CK_RV get_slot_list(CK_BBOOL, CK_SLOT_ID* slots, CK_ULONG* count) {
    if(slots != nullptr && *count >= 1) {
        *slots = the_slot;
    }
    *count = 1;
    return CKR_OK;
}

CK_RV get_slot_info(CK_SLOT_ID, CK_SLOT_INFO* info) {
    *info = {};
    put_text(info->slotDescription, "mock");
    put_text(info->manufacturerID, "Keyway tests");
    info->flags = CKF_TOKEN_PRESENT;
    return CKR_OK;
}

CK_RV get_token_info(CK_SLOT_ID, CK_TOKEN_INFO* info) {
    *info = {};
    put_text(info->label, "mock");
    put_text(info->manufacturerID, "Keyway tests");
    put_text(info->model, "mock");
    std::memset(info->serialNumber, '1', sizeof(info->serialNumber));
    info->flags = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED | CKF_LOGIN_REQUIRED;
    info->ulMinPinLen = info->ulMaxPinLen = the_pin.size();
    return CKR_OK;
}

CK_RV get_mechanism_list(CK_SLOT_ID, CK_MECHANISM_TYPE* list, CK_ULONG* count) {
    for(std::size_t i = 0; list != nullptr && i < mechanisms.size() && i < *count; ++i) {
        list[i] = mechanisms.at(i).first;
    }
    *count = mechanisms.size();
    return CKR_OK;
}

CK_RV get_mechanism_info(CK_SLOT_ID, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO* info) {
    for(const auto& [known, flags] : mechanisms) {
        if(known == type) {
            *info = {0, 0, flags};
            return CKR_OK;
        }
    }
    return CKR_MECHANISM_INVALID;
}

CK_RV open_session(CK_SLOT_ID, CK_FLAGS flags, void*, CK_NOTIFY, CK_SESSION_HANDLE* session) {
    return call([&](State& all) {
        *session = all.next++;
        all.sessions[*session].read_write = (flags & CKF_RW_SESSION) != 0;
        return CKR_OK;
    });
}

CK_RV close_session(CK_SESSION_HANDLE session) {
    return in_session(session, [&](State& all, Session&) {
        all.sessions.erase(session);
        std::erase_if(all.objects, [&](const auto& one) { return one.second.session == session; });
        all.logged_in = all.logged_in && !all.sessions.empty();
        return CKR_OK;
    });
}

CK_RV get_session_info(CK_SESSION_HANDLE handle, CK_SESSION_INFO* info) {
    return in_session(handle, [&](const State& all, const Session& session) {
        const bool writes = session.read_write;
        *info = {the_slot, all.logged_in ? (writes ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS)
                                         : (writes ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION),
                 CKF_SERIAL_SESSION | (writes ? CKF_RW_SESSION : 0), 0};
        return CKR_OK;
    });
}

CK_RV log_in(CK_SESSION_HANDLE handle, const CK_UTF8CHAR* pin, CK_ULONG pin_size, std::string_view name) {
    return in_session(handle, [&](State& all, Session&) {
        if(all.logged_in) {
            return CKR_USER_ALREADY_LOGGED_IN;
        }
        if(std::string_view(reinterpret_cast<const char*>(pin), pin_size) != the_pin || name != all.user) {
            return CKR_PIN_INCORRECT;
        }
        all.logged_in = true;
        return CKR_OK;
    });
}

CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE, CK_UTF8CHAR* pin, CK_ULONG size) {
    return log_in(session, pin, size, "");
}

CK_RV login_user(CK_SESSION_HANDLE session, CK_USER_TYPE, CK_UTF8CHAR* pin, CK_ULONG size, CK_UTF8CHAR* name, CK_ULONG name_size) {
    return log_in(session, pin, size, std::string_view(reinterpret_cast<const char*>(name), name_size));
}

CK_RV session_cancel(CK_SESSION_HANDLE handle, CK_FLAGS flags) {
    return in_session(handle, [&](const State&, Session& session) {
        if((flags & CKF_SIGN) != 0) {
            session.signs_with = CK_INVALID_HANDLE;
        }
        return CKR_OK;
    });
}

CK_RV create_object(CK_SESSION_HANDLE session, CK_ATTRIBUTE* values, CK_ULONG count, CK_OBJECT_HANDLE* handle) {
    return in_session(session, [&](State& all, Session&) {
        Object object(values, count, session);
        if(object.number(CKA_CLASS) == CKO_PRIVATE_KEY) {
            if(all.expanded_keys && object.values.contains(CKA_SEED)) {
                return CKR_ATTRIBUTE_TYPE_INVALID;
            }
            if(const auto result = read_key(object); result != CKR_OK) {
                return result;
            }
        }
        *handle = all.next++;
        all.objects.emplace(*handle, std::move(object));
        return CKR_OK;
    });
}

CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle) {
    return in_session(session, [&](State& all, Session&) {
        return with_object(all, handle, [&](Object&) {
            all.objects.erase(handle);
            return CKR_OK;
        });
    });
}

CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE* asked, CK_ULONG count) {
    return in_session(session, [&](State& all, Session&) {
        return with_object(all, handle, [&](const Object& object) { return object.read(asked, count); });
    });
}

CK_RV find_objects_init(CK_SESSION_HANDLE handle, CK_ATTRIBUTE* wanted, CK_ULONG count) {
    return in_session(handle, [&](const State& all, Session& session) {
        if(session.searching) {
            return CKR_OPERATION_ACTIVE;
        }
        session.searching = true;
        session.found.clear();
        for(const auto& [number, object] : all.objects) {
            if((all.logged_in || !object.flag(CKA_PRIVATE)) && object.fits(wanted, count)) {
                session.found.push_back(number);
            }
        }
        return CKR_OK;
    });
}

CK_RV find_objects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE* out, CK_ULONG most, CK_ULONG* count) {
    return in_session(handle, [&](const State&, Session& session) {
        for(*count = 0; *count < most && !session.found.empty(); session.found.pop_back()) {
            out[(*count)++] = session.found.back();
        }
        return CKR_OK;
    });
}

CK_RV find_objects_final(CK_SESSION_HANDLE handle) {
    return in_session(handle, [](const State&, Session& session) {
        session.searching = false;
        return CKR_OK;
    });
}

CK_RV generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_ATTRIBUTE* public_values, CK_ULONG public_count,
                        CK_ATTRIBUTE* private_values, CK_ULONG private_count, CK_OBJECT_HANDLE* public_handle,
                        CK_OBJECT_HANDLE* private_handle) {
    return in_session(session, [&](State& all, Session&) {
        Object public_object(public_values, public_count, session);
        Object private_object(private_values, private_count, session);
        if(const auto result = make_pair(mechanism->mechanism, public_object, private_object); result != CKR_OK) {
            return result;
        }
        *public_handle = all.next++;
        *private_handle = all.next++;
        all.objects.emplace(*public_handle, std::move(public_object));
        all.objects.emplace(*private_handle, std::move(private_object));
        return CKR_OK;
    });
}

CK_RV sign_init(CK_SESSION_HANDLE handle, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key) {
    return in_session(handle, [&](State& all, Session& session) {
        if(session.signs_with != CK_INVALID_HANDLE) {
            return CKR_OPERATION_ACTIVE;
        }
        const auto result = with_object(all, key, [&](const Object& object) {
            return !signs_so(*mechanism, object) ? CKR_MECHANISM_INVALID
                   : object.flag(CKA_SIGN)       ? CKR_OK
                                                 : CKR_KEY_FUNCTION_NOT_PERMITTED;
        });
        session.signs_with = result == CKR_OK ? key : CK_INVALID_HANDLE;
        return result == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : result;
    });
}

CK_RV sign(CK_SESSION_HANDLE handle, CK_BYTE* data, CK_ULONG size, CK_BYTE* out, CK_ULONG* out_size) {
    return in_session(handle, [&](State& all, Session& session) {
        if(session.signs_with == CK_INVALID_HANDLE) {
            return CKR_OPERATION_NOT_INITIALIZED;
        }
        return with_object(all, session.signs_with, [&](const Object& object) {
            Botan::PK_Signer signer(*object.key, Botan::system_rng(), "");
            if(out == nullptr || *out_size < signer.signature_length()) {
                *out_size = signer.signature_length();
                return out == nullptr ? CKR_OK : CKR_BUFFER_TOO_SMALL;
            }
            const auto signature = signer.sign_message({data, size}, Botan::system_rng());
            std::memcpy(out, signature.data(), signature.size());
            *out_size = signature.size();
            session.signs_with = CK_INVALID_HANDLE;
            return CKR_OK;
        });
    });
}

CK_RV derive_key(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE base, CK_ATTRIBUTE* values, CK_ULONG count,
                 CK_OBJECT_HANDLE* handle) {
    return in_session(session, [&](State& all, Session&) {
        return with_object(all, base, [&](const Object& object) {
            const auto& how = *static_cast<const CK_ECDH1_DERIVE_PARAMS*>(mechanism->pParameter);
            if(mechanism->mechanism != CKM_ECDH1_DERIVE || how.kdf != CKD_NULL || !object.flag(CKA_DERIVE)) {
                return CKR_MECHANISM_INVALID;
            }
            const auto secret = Botan::PK_Key_Agreement(*object.key, Botan::system_rng(), "Raw")
                                    .derive_key(0, how.public_data, how.public_data_len);
            Object derived(values, count, session);
            derived.values[CKA_VALUE].assign(secret.begin(), secret.end());
            *handle = all.next++;
            all.objects.emplace(*handle, std::move(derived));
            return CKR_OK;
        });
    });
}

template <typename... Arguments>
CK_RV not_supported(Arguments...) {
    return CKR_FUNCTION_NOT_SUPPORTED;
}

struct Interface {
    const char* name;
    void* list;
    CK_FLAGS flags;
};

CK_RV get_interface_list(Interface* out, CK_ULONG* count);
CK_RV get_interface(CK_UTF8CHAR* name, CK_VERSION* version, Interface** out, CK_FLAGS flags);

CK_FUNCTION_LIST list_2_40() {
    CK_FUNCTION_LIST list{};
    list.version = {2, 40};
    list.C_Initialize = initialize;
    list.C_Finalize = finalize;
    list.C_GetInfo = get_info;
    list.C_GetFunctionList = C_GetFunctionList;
    list.C_GetSlotList = get_slot_list;
    list.C_GetSlotInfo = get_slot_info;
    list.C_GetTokenInfo = get_token_info;
    list.C_GetMechanismList = get_mechanism_list;
    list.C_GetMechanismInfo = get_mechanism_info;
    list.C_OpenSession = open_session;
    list.C_CloseSession = close_session;
    list.C_GetSessionInfo = get_session_info;
    list.C_Login = login;
    list.C_CreateObject = create_object;
    list.C_DestroyObject = destroy_object;
    list.C_GetAttributeValue = get_attribute_value;
    list.C_FindObjectsInit = find_objects_init;
    list.C_FindObjects = find_objects;
    list.C_FindObjectsFinal = find_objects_final;
    list.C_SignInit = sign_init;
    list.C_Sign = sign;
    list.C_GenerateKeyPair = generate_key_pair;
    list.C_DeriveKey = derive_key;
    const auto leave_out = [](auto&... rest) { ((rest = not_supported), ...); };
    leave_out(list.C_InitToken, list.C_InitPIN, list.C_SetPIN, list.C_CloseAllSessions, list.C_GetOperationState,
              list.C_SetOperationState, list.C_Logout, list.C_CopyObject, list.C_GetObjectSize, list.C_SetAttributeValue,
              list.C_EncryptInit, list.C_Encrypt, list.C_EncryptUpdate, list.C_EncryptFinal, list.C_DecryptInit, list.C_Decrypt,
              list.C_DecryptUpdate, list.C_DecryptFinal, list.C_DigestInit, list.C_Digest, list.C_DigestUpdate, list.C_DigestKey,
              list.C_DigestFinal, list.C_SignUpdate, list.C_SignFinal, list.C_SignRecoverInit, list.C_SignRecover, list.C_VerifyInit,
              list.C_Verify, list.C_VerifyUpdate, list.C_VerifyFinal, list.C_VerifyRecoverInit, list.C_VerifyRecover,
              list.C_DigestEncryptUpdate, list.C_DecryptDigestUpdate, list.C_SignEncryptUpdate, list.C_DecryptVerifyUpdate,
              list.C_GenerateKey, list.C_WrapKey, list.C_UnwrapKey, list.C_SeedRandom, list.C_GenerateRandom,
              list.C_GetFunctionStatus, list.C_CancelFunction, list.C_WaitForSlotEvent);
    return list;
}

/// CK_FUNCTION_LIST_3_2, which older headers do not have: that of 2.40, and 36 functions more.
struct List32 {
    CK_FUNCTION_LIST until_2_40;
    std::array<void (*)(), 36> since;
};

CK_FUNCTION_LIST* the_2_40() {
    static auto list = list_2_40();
    return &list;
}

List32* the_3_2() {
    static auto* const list = [] {
        auto* const made = new List32{list_2_40(), {}};
        made->until_2_40.version = {3, 2};
        made->since.fill(reinterpret_cast<void (*)()>(not_supported<>));
        made->since[0] = reinterpret_cast<void (*)()>(get_interface_list);
        made->since[1] = reinterpret_cast<void (*)()>(get_interface);
        made->since[2] = reinterpret_cast<void (*)()>(login_user);
        made->since[3] = reinterpret_cast<void (*)()>(session_cancel);
        return made;
    }();
    return list;
}

std::array<Interface, 2>& interfaces() {
    static std::array<Interface, 2> all{Interface{"PKCS 11", the_3_2(), 0}, Interface{"PKCS 11", the_2_40(), 0}};
    return all;
}

CK_RV get_interface_list(Interface* out, CK_ULONG* count) {
    if(out != nullptr && *count >= interfaces().size()) {
        std::ranges::copy(interfaces(), out);
    }
    *count = interfaces().size();
    return CKR_OK;
}

CK_RV get_interface(CK_UTF8CHAR* name, CK_VERSION* version, Interface** out, CK_FLAGS) {
    for(auto& one : interfaces()) {
        const auto& own = *static_cast<const CK_VERSION*>(one.list);
        const bool named = name == nullptr || std::string_view(reinterpret_cast<const char*>(name)) == one.name;
        if(named && (version == nullptr || (version->major == own.major && version->minor == own.minor))) {
            *out = &one;
            return CKR_OK;
        }
    }
    return CKR_ARGUMENTS_BAD;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
    *list = the_2_40();
    return CKR_OK;
}

__attribute__((visibility("default"))) CK_RV C_GetInterfaceList(Interface* out, CK_ULONG* count) {
    return get_interface_list(out, count);
}

__attribute__((visibility("default"))) CK_RV C_GetInterface(CK_UTF8CHAR* name, CK_VERSION* version, Interface** out, CK_FLAGS flags) {
    return get_interface(name, version, out, flags);
}
}
