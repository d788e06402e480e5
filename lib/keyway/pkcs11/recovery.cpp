// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/cryptoki_internal.hpp>
#include <keyway/pkcs11/recovery.hpp>

#include <algorithm>
#include <array>

namespace keyway::pkcs11 {

namespace {

using enum Remedy;

constexpr std::string_view refused{};
constexpr std::string_view token_gone = "put the token back, or see whether its service and network are up";
constexpr std::string_view not_offered = "the token does not offer this mechanism";
constexpr std::string_view no_curve = "the token does not offer this curve";
constexpr std::string_view only_read = "the token can only be read";
constexpr std::string_view full = "the token is full: remove objects that are not needed, or close other sessions";
constexpr std::string_view set_pin = "the security officer has to set a new user PIN";

#define KEYWAY_ROW(value, remedy, code, hint) \
    ReturnValue { value, #value, remedy, Errc::code, hint }
// For those to which p11-kit's header gives numbers of its own (0x1c0 to 0x1c4 in 0.24), which no module answers.
#define KEYWAY_ROW_AS(name, value, remedy, code, hint) \
    ReturnValue { value, name, remedy, Errc::code, hint }

// clang-format off
constexpr std::array table{
    KEYWAY_ROW(CKR_OK, success, internal, refused),
    KEYWAY_ROW(CKR_CANCEL, ask_user, token_failed, "the person at the token stopped it"),
    KEYWAY_ROW(CKR_HOST_MEMORY, fatal, token_failed, "the process has no memory left"),
    KEYWAY_ROW(CKR_SLOT_ID_INVALID, wait, token_not_found, "the slots changed; list the tokens again"),
    KEYWAY_ROW(CKR_GENERAL_ERROR, wait, token_failed, refused),
    KEYWAY_ROW(CKR_FUNCTION_FAILED, wait, token_failed, refused),
    KEYWAY_ROW(CKR_ARGUMENTS_BAD, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_NO_EVENT, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_NEED_TO_CREATE_THREADS, fatal, token_failed, "the module wants threads of its own"),
    KEYWAY_ROW(CKR_CANT_LOCK, fatal, token_failed, "the module cannot be used by several threads"),
    KEYWAY_ROW(CKR_ATTRIBUTE_READ_ONLY, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_ATTRIBUTE_SENSITIVE, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_ATTRIBUTE_TYPE_INVALID, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_ATTRIBUTE_VALUE_INVALID, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_ACTION_PROHIBITED, fatal, token_failed, "the object or the token forbids it"),
    KEYWAY_ROW(CKR_DATA_INVALID, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_DATA_LEN_RANGE, fatal, unsupported, "the token does not take data of this length"),
    KEYWAY_ROW(CKR_DEVICE_ERROR, wait, token_failed, refused),
    KEYWAY_ROW(CKR_DEVICE_MEMORY, wait, token_failed, full),
    KEYWAY_ROW(CKR_DEVICE_REMOVED, wait, token_not_found, token_gone),
    KEYWAY_ROW(CKR_ENCRYPTED_DATA_INVALID, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_ENCRYPTED_DATA_LEN_RANGE, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_AEAD_DECRYPT_FAILED, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_FUNCTION_CANCELED, reopen_session, token_failed, refused),
    KEYWAY_ROW(CKR_FUNCTION_NOT_PARALLEL, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_FUNCTION_NOT_SUPPORTED, fatal, unsupported, "the token does not offer this function"),
    KEYWAY_ROW(CKR_KEY_HANDLE_INVALID, find_key, token_failed, refused),
    KEYWAY_ROW(CKR_KEY_SIZE_RANGE, fatal, unsupported, "the token does not offer this key size"),
    KEYWAY_ROW(CKR_KEY_TYPE_INCONSISTENT, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_KEY_NOT_NEEDED, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_KEY_CHANGED, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_KEY_NEEDED, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_KEY_INDIGESTIBLE, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_KEY_FUNCTION_NOT_PERMITTED, fatal, unsupported, "the key was made without this usage"),
    KEYWAY_ROW(CKR_KEY_NOT_WRAPPABLE, fatal, unsupported, "the key may not leave the token"),
    KEYWAY_ROW(CKR_KEY_UNEXTRACTABLE, fatal, unsupported, "the key may not leave the token"),
    KEYWAY_ROW(CKR_MECHANISM_INVALID, fatal, unsupported, not_offered),
    KEYWAY_ROW(CKR_MECHANISM_PARAM_INVALID, fatal, unsupported, "the token does not take these parameters"),
    KEYWAY_ROW(CKR_OBJECT_HANDLE_INVALID, find_key, token_failed, refused),
    KEYWAY_ROW(CKR_OPERATION_ACTIVE, reopen_session, token_failed, refused),
    KEYWAY_ROW(CKR_OPERATION_NOT_INITIALIZED, reopen_session, token_failed, refused),
    KEYWAY_ROW(CKR_PIN_INCORRECT, ask_user, pin_incorrect, "check the PIN's source; the same PIN is not tried again"),
    KEYWAY_ROW(CKR_PIN_INVALID, ask_user, pin_incorrect, "the PIN has characters that the token does not allow"),
    KEYWAY_ROW(CKR_PIN_LEN_RANGE, ask_user, pin_incorrect, "the PIN is shorter or longer than the token allows"),
    KEYWAY_ROW(CKR_PIN_EXPIRED, ask_user, pin_locked, "the PIN has to be changed before the token can be used"),
    KEYWAY_ROW(CKR_PIN_LOCKED, ask_user, pin_locked, set_pin),
    KEYWAY_ROW(CKR_SESSION_CLOSED, reopen_session, token_failed, refused),
    KEYWAY_ROW(CKR_SESSION_COUNT, wait, token_failed, "the token has no session left: lower max-sessions"),
    KEYWAY_ROW(CKR_SESSION_HANDLE_INVALID, reopen_session, token_failed, refused),
    KEYWAY_ROW(CKR_SESSION_PARALLEL_NOT_SUPPORTED, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_SESSION_READ_ONLY, fatal, token_failed, only_read),
    KEYWAY_ROW(CKR_SESSION_EXISTS, fatal, token_failed, "others in this process have sessions with the token"),
    KEYWAY_ROW(CKR_SESSION_READ_ONLY_EXISTS, fatal, token_failed, "others in this process have read-only sessions"),
    KEYWAY_ROW(CKR_SESSION_READ_WRITE_SO_EXISTS, ask_user, token_failed, "the security officer is logged in in this process"),
    KEYWAY_ROW(CKR_SIGNATURE_INVALID, fatal, verification_failed, refused),
    KEYWAY_ROW(CKR_SIGNATURE_LEN_RANGE, fatal, verification_failed, refused),
    KEYWAY_ROW(CKR_TEMPLATE_INCOMPLETE, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_TEMPLATE_INCONSISTENT, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_TOKEN_NOT_PRESENT, wait, token_not_found, token_gone),
    KEYWAY_ROW(CKR_TOKEN_NOT_RECOGNIZED, wait, token_not_found, "the slot holds no token that its module knows"),
    KEYWAY_ROW(CKR_TOKEN_WRITE_PROTECTED, fatal, token_failed, only_read),
    KEYWAY_ROW(CKR_UNWRAPPING_KEY_HANDLE_INVALID, find_key, token_failed, refused),
    KEYWAY_ROW(CKR_UNWRAPPING_KEY_SIZE_RANGE, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_USER_ALREADY_LOGGED_IN, success, internal, refused),
    KEYWAY_ROW(CKR_USER_NOT_LOGGED_IN, log_in, token_failed, "give the source of the user PIN (user-pin)"),
    KEYWAY_ROW(CKR_USER_PIN_NOT_INITIALIZED, ask_user, pin_locked, "the security officer has to set a user PIN first"),
    KEYWAY_ROW(CKR_USER_TYPE_INVALID, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, ask_user, token_failed, "another role is logged in in this process"),
    KEYWAY_ROW(CKR_USER_TOO_MANY_TYPES, ask_user, token_failed, "too many roles are logged in in this process"),
    KEYWAY_ROW(CKR_WRAPPED_KEY_INVALID, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_WRAPPED_KEY_LEN_RANGE, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_WRAPPING_KEY_HANDLE_INVALID, find_key, token_failed, refused),
    KEYWAY_ROW(CKR_WRAPPING_KEY_SIZE_RANGE, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_WRAPPING_KEY_TYPE_INCONSISTENT, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_RANDOM_SEED_NOT_SUPPORTED, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_RANDOM_NO_RNG, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_DOMAIN_PARAMS_INVALID, fatal, unsupported, no_curve),
    KEYWAY_ROW(CKR_CURVE_NOT_SUPPORTED, fatal, unsupported, no_curve),
    KEYWAY_ROW(CKR_BUFFER_TOO_SMALL, fatal, token_failed, "the token answers more than such a key can make"),
    KEYWAY_ROW(CKR_SAVED_STATE_INVALID, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_INFORMATION_SENSITIVE, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_STATE_UNSAVEABLE, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_CRYPTOKI_NOT_INITIALIZED, reload_module, token_failed, "somebody in this process finalised the module"),
    KEYWAY_ROW(CKR_CRYPTOKI_ALREADY_INITIALIZED, success, internal, refused),
    KEYWAY_ROW(CKR_MUTEX_BAD, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_MUTEX_NOT_LOCKED, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_NEW_PIN_MODE, ask_user, pin_locked, "the token wants a new PIN"),
    KEYWAY_ROW(CKR_NEXT_OTP, ask_user, pin_locked, "the token wants the next one-time password"),
    KEYWAY_ROW_AS("CKR_EXCEEDED_MAX_ITERATIONS", 0x1b5, fatal, token_failed, refused),
    KEYWAY_ROW_AS("CKR_FIPS_SELF_TEST_FAILED", 0x1b6, fatal, token_failed, "the module found itself broken and does nothing any more"),
    KEYWAY_ROW_AS("CKR_LIBRARY_LOAD_FAILED", 0x1b7, fatal, token_failed, "the module lacks a library that it needs"),
    KEYWAY_ROW_AS("CKR_PIN_TOO_WEAK", 0x1b8, ask_user, pin_incorrect, "choose a stronger PIN"),
    KEYWAY_ROW_AS("CKR_PUBLIC_KEY_INVALID", 0x1b9, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_FUNCTION_REJECTED, ask_user, token_failed, "the person at the token refused it"),
    KEYWAY_ROW(CKR_TOKEN_RESOURCE_EXCEEDED, wait, token_failed, full),
    KEYWAY_ROW(CKR_OPERATION_CANCEL_FAILED, reopen_session, token_failed, refused),
    KEYWAY_ROW(CKR_KEY_EXHAUSTED, fatal, token_failed, "the key has signed as often as it may"),
    KEYWAY_ROW(CKR_PENDING, wait, token_failed, "the token is still at work"),
    KEYWAY_ROW(CKR_SESSION_ASYNC_NOT_SUPPORTED, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_SEED_RANDOM_REQUIRED, ask_user, token_failed, "the token's random number generator wants a seed"),
    KEYWAY_ROW(CKR_OPERATION_NOT_VALIDATED, fatal, token_failed, refused),
    KEYWAY_ROW(CKR_TOKEN_NOT_INITIALIZED, ask_user, token_failed, "the token has to be initialised: keyway token init"),
    KEYWAY_ROW(CKR_PARAMETER_SET_NOT_SUPPORTED, fatal, unsupported, "the token does not offer this parameter set"),
    KEYWAY_ROW(CKR_VENDOR_DEFINED, fatal, token_failed, refused),
};
// clang-format on

#undef KEYWAY_ROW
#undef KEYWAY_ROW_AS

constexpr std::array remedy_names{
    std::pair{success, std::string_view("success")},
    std::pair{fatal, std::string_view("fatal")},
    std::pair{reopen_session, std::string_view("reopen_session")},
    std::pair{log_in, std::string_view("log_in")},
    std::pair{find_key, std::string_view("find_key")},
    std::pair{wait, std::string_view("wait")},
    std::pair{reload_module, std::string_view("reload_module")},
    std::pair{ask_user, std::string_view("ask_user")},
};

}  // namespace

std::string_view to_string(Remedy remedy) noexcept {
    for(const auto& [known, name] : remedy_names) {
        if(known == remedy) {
            return name;
        }
    }
    return "fatal";
}

std::span<const ReturnValue> return_values() noexcept {
    return table;
}

const ReturnValue* find_return_value(unsigned long value) noexcept {
    const auto found = std::ranges::find(table, value, &ReturnValue::value);
    return found == table.end() ? nullptr : &*found;
}

const ReturnValue* find_return_value(std::string_view name) noexcept {
    const auto found = std::ranges::find(table, name, &ReturnValue::name);
    return found == table.end() ? nullptr : &*found;
}

Remedy remedy_for(unsigned long value) noexcept {
    const auto* const found = find_return_value(value);
    return found == nullptr ? fatal : found->remedy;
}

}  // namespace keyway::pkcs11
