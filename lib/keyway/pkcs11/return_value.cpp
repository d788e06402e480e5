// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/cryptoki_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <algorithm>
#include <array>

namespace keyway::pkcs11 {

namespace {

struct Name {
    CK_RV value;
    std::string_view name;
};

#define KEYWAY_NAME(value) \
    Name { value, #value }

constexpr std::array names{
    KEYWAY_NAME(CKR_ACTION_PROHIBITED),
    KEYWAY_NAME(CKR_AEAD_DECRYPT_FAILED),
    KEYWAY_NAME(CKR_ARGUMENTS_BAD),
    KEYWAY_NAME(CKR_ATTRIBUTE_READ_ONLY),
    KEYWAY_NAME(CKR_ATTRIBUTE_SENSITIVE),
    KEYWAY_NAME(CKR_ATTRIBUTE_TYPE_INVALID),
    KEYWAY_NAME(CKR_ATTRIBUTE_VALUE_INVALID),
    KEYWAY_NAME(CKR_BUFFER_TOO_SMALL),
    KEYWAY_NAME(CKR_CANCEL),
    KEYWAY_NAME(CKR_CANT_LOCK),
    KEYWAY_NAME(CKR_CRYPTOKI_ALREADY_INITIALIZED),
    KEYWAY_NAME(CKR_CRYPTOKI_NOT_INITIALIZED),
    KEYWAY_NAME(CKR_CURVE_NOT_SUPPORTED),
    KEYWAY_NAME(CKR_DATA_INVALID),
    KEYWAY_NAME(CKR_DATA_LEN_RANGE),
    KEYWAY_NAME(CKR_DEVICE_ERROR),
    KEYWAY_NAME(CKR_DEVICE_MEMORY),
    KEYWAY_NAME(CKR_DEVICE_REMOVED),
    KEYWAY_NAME(CKR_DOMAIN_PARAMS_INVALID),
    KEYWAY_NAME(CKR_ENCRYPTED_DATA_INVALID),
    KEYWAY_NAME(CKR_ENCRYPTED_DATA_LEN_RANGE),
    KEYWAY_NAME(CKR_EXCEEDED_MAX_ITERATIONS),
    KEYWAY_NAME(CKR_FIPS_SELF_TEST_FAILED),
    KEYWAY_NAME(CKR_FUNCTION_CANCELED),
    KEYWAY_NAME(CKR_FUNCTION_FAILED),
    KEYWAY_NAME(CKR_FUNCTION_NOT_PARALLEL),
    KEYWAY_NAME(CKR_FUNCTION_NOT_SUPPORTED),
    KEYWAY_NAME(CKR_FUNCTION_REJECTED),
    KEYWAY_NAME(CKR_GENERAL_ERROR),
    KEYWAY_NAME(CKR_HOST_MEMORY),
    KEYWAY_NAME(CKR_INFORMATION_SENSITIVE),
    KEYWAY_NAME(CKR_KEY_CHANGED),
    KEYWAY_NAME(CKR_KEY_EXHAUSTED),
    KEYWAY_NAME(CKR_KEY_FUNCTION_NOT_PERMITTED),
    KEYWAY_NAME(CKR_KEY_HANDLE_INVALID),
    KEYWAY_NAME(CKR_KEY_INDIGESTIBLE),
    KEYWAY_NAME(CKR_KEY_NEEDED),
    KEYWAY_NAME(CKR_KEY_NOT_NEEDED),
    KEYWAY_NAME(CKR_KEY_NOT_WRAPPABLE),
    KEYWAY_NAME(CKR_KEY_SIZE_RANGE),
    KEYWAY_NAME(CKR_KEY_TYPE_INCONSISTENT),
    KEYWAY_NAME(CKR_KEY_UNEXTRACTABLE),
    KEYWAY_NAME(CKR_LIBRARY_LOAD_FAILED),
    KEYWAY_NAME(CKR_MECHANISM_INVALID),
    KEYWAY_NAME(CKR_MECHANISM_PARAM_INVALID),
    KEYWAY_NAME(CKR_MUTEX_BAD),
    KEYWAY_NAME(CKR_MUTEX_NOT_LOCKED),
    KEYWAY_NAME(CKR_NEED_TO_CREATE_THREADS),
    KEYWAY_NAME(CKR_NEW_PIN_MODE),
    KEYWAY_NAME(CKR_NEXT_OTP),
    KEYWAY_NAME(CKR_NO_EVENT),
    KEYWAY_NAME(CKR_OBJECT_HANDLE_INVALID),
    KEYWAY_NAME(CKR_OK),
    KEYWAY_NAME(CKR_OPERATION_ACTIVE),
    KEYWAY_NAME(CKR_OPERATION_CANCEL_FAILED),
    KEYWAY_NAME(CKR_OPERATION_NOT_INITIALIZED),
    KEYWAY_NAME(CKR_OPERATION_NOT_VALIDATED),
    KEYWAY_NAME(CKR_PARAMETER_SET_NOT_SUPPORTED),
    KEYWAY_NAME(CKR_PENDING),
    KEYWAY_NAME(CKR_PIN_EXPIRED),
    KEYWAY_NAME(CKR_PIN_INCORRECT),
    KEYWAY_NAME(CKR_PIN_INVALID),
    KEYWAY_NAME(CKR_PIN_LEN_RANGE),
    KEYWAY_NAME(CKR_PIN_LOCKED),
    KEYWAY_NAME(CKR_PIN_TOO_WEAK),
    KEYWAY_NAME(CKR_PUBLIC_KEY_INVALID),
    KEYWAY_NAME(CKR_RANDOM_NO_RNG),
    KEYWAY_NAME(CKR_RANDOM_SEED_NOT_SUPPORTED),
    KEYWAY_NAME(CKR_SAVED_STATE_INVALID),
    KEYWAY_NAME(CKR_SEED_RANDOM_REQUIRED),
    KEYWAY_NAME(CKR_SESSION_ASYNC_NOT_SUPPORTED),
    KEYWAY_NAME(CKR_SESSION_CLOSED),
    KEYWAY_NAME(CKR_SESSION_COUNT),
    KEYWAY_NAME(CKR_SESSION_EXISTS),
    KEYWAY_NAME(CKR_SESSION_HANDLE_INVALID),
    KEYWAY_NAME(CKR_SESSION_PARALLEL_NOT_SUPPORTED),
    KEYWAY_NAME(CKR_SESSION_READ_ONLY),
    KEYWAY_NAME(CKR_SESSION_READ_ONLY_EXISTS),
    KEYWAY_NAME(CKR_SESSION_READ_WRITE_SO_EXISTS),
    KEYWAY_NAME(CKR_SIGNATURE_INVALID),
    KEYWAY_NAME(CKR_SIGNATURE_LEN_RANGE),
    KEYWAY_NAME(CKR_SLOT_ID_INVALID),
    KEYWAY_NAME(CKR_STATE_UNSAVEABLE),
    KEYWAY_NAME(CKR_TEMPLATE_INCOMPLETE),
    KEYWAY_NAME(CKR_TEMPLATE_INCONSISTENT),
    KEYWAY_NAME(CKR_TOKEN_NOT_INITIALIZED),
    KEYWAY_NAME(CKR_TOKEN_NOT_PRESENT),
    KEYWAY_NAME(CKR_TOKEN_NOT_RECOGNIZED),
    KEYWAY_NAME(CKR_TOKEN_RESOURCE_EXCEEDED),
    KEYWAY_NAME(CKR_TOKEN_WRITE_PROTECTED),
    KEYWAY_NAME(CKR_UNWRAPPING_KEY_SIZE_RANGE),
    KEYWAY_NAME(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT),
    KEYWAY_NAME(CKR_USER_ALREADY_LOGGED_IN),
    KEYWAY_NAME(CKR_USER_ANOTHER_ALREADY_LOGGED_IN),
    KEYWAY_NAME(CKR_USER_NOT_LOGGED_IN),
    KEYWAY_NAME(CKR_USER_PIN_NOT_INITIALIZED),
    KEYWAY_NAME(CKR_USER_TOO_MANY_TYPES),
    KEYWAY_NAME(CKR_USER_TYPE_INVALID),
    KEYWAY_NAME(CKR_WRAPPED_KEY_INVALID),
    KEYWAY_NAME(CKR_WRAPPED_KEY_LEN_RANGE),
    KEYWAY_NAME(CKR_WRAPPING_KEY_HANDLE_INVALID),
    KEYWAY_NAME(CKR_WRAPPING_KEY_SIZE_RANGE),
    KEYWAY_NAME(CKR_WRAPPING_KEY_TYPE_INCONSISTENT),
};

#undef KEYWAY_NAME

struct Meaning {
    CK_RV value;
    Errc code;
    std::string_view hint;
};

/// What a return value means for the caller; the rest is Errc::token_failed.
constexpr std::array meanings{
    Meaning{CKR_PIN_INCORRECT, Errc::pin_incorrect, "check the PIN's source; the same PIN is not tried again"},
    Meaning{CKR_PIN_LEN_RANGE, Errc::pin_incorrect, "the PIN is shorter or longer than the token allows"},
    Meaning{CKR_PIN_INVALID, Errc::pin_incorrect, "the PIN has characters that the token does not allow"},
    Meaning{CKR_PIN_TOO_WEAK, Errc::pin_incorrect, "choose a stronger PIN"},
    Meaning{CKR_PIN_LOCKED, Errc::pin_locked, "the security officer has to set a new user PIN"},
    Meaning{CKR_PIN_EXPIRED, Errc::pin_locked, "the PIN has to be changed before the token can be used"},
    Meaning{CKR_USER_PIN_NOT_INITIALIZED, Errc::pin_locked, "the security officer has to set a user PIN first"},
    Meaning{CKR_TOKEN_NOT_PRESENT, Errc::token_not_found, "put the token back and try again"},
    Meaning{CKR_TOKEN_NOT_RECOGNIZED, Errc::token_not_found, "the slot holds no token that its module knows"},
    Meaning{CKR_DEVICE_REMOVED, Errc::token_not_found, "put the token back and try again"},
    Meaning{CKR_SLOT_ID_INVALID, Errc::token_not_found, "the slots changed; list the tokens again"},
    Meaning{CKR_MECHANISM_INVALID, Errc::unsupported, "the token does not offer this mechanism"},
    Meaning{CKR_MECHANISM_PARAM_INVALID, Errc::unsupported, "the token does not take these parameters"},
    Meaning{CKR_CURVE_NOT_SUPPORTED, Errc::unsupported, "the token does not offer this curve"},
    Meaning{CKR_DOMAIN_PARAMS_INVALID, Errc::unsupported, "the token does not offer this curve"},
    Meaning{CKR_KEY_SIZE_RANGE, Errc::unsupported, "the token does not offer this key size"},
    Meaning{CKR_FUNCTION_NOT_SUPPORTED, Errc::unsupported, "the token does not offer this function"},
    Meaning{CKR_KEY_FUNCTION_NOT_PERMITTED, Errc::unsupported, "the key was made without this usage"},
    Meaning{CKR_DATA_LEN_RANGE, Errc::unsupported, "the token does not take data of this length"},
    Meaning{CKR_TOKEN_WRITE_PROTECTED, Errc::token_failed, "the token can only be read"},
    Meaning{CKR_SESSION_READ_ONLY, Errc::token_failed, "the token can only be read"},
    Meaning{CKR_USER_NOT_LOGGED_IN, Errc::token_failed, "give the source of the user PIN (user-pin)"},
    Meaning{CKR_DEVICE_MEMORY, Errc::token_failed, "the token is full: remove objects that are not needed"},
    Meaning{CKR_SESSION_COUNT, Errc::token_failed, "the token has no session left: lower max-sessions"},
    Meaning{CKR_USER_ANOTHER_ALREADY_LOGGED_IN, Errc::token_failed, "another role is logged in in this process"},
};

}  // namespace

std::string return_value_name(unsigned long value) {
    const auto found = std::ranges::find(names, value, &Name::value);
    if(found != names.end()) {
        return std::string(found->name);
    }
    constexpr std::string_view hex = "0123456789abcdef";
    std::string digits;
    for(auto rest = value; rest != 0; rest >>= 4U) {
        digits.insert(digits.begin(), hex[rest & 0x0fU]);
    }
    return "CKR 0x" + digits;
}

Error call_failed(unsigned long value, std::string_view doing) {
    const auto name = return_value_name(value);
    const auto found = std::ranges::find(meanings, value, &Meaning::value);
    const bool known = found != meanings.end();
    return Error(known ? found->code : Errc::token_failed,
                 "cannot " + std::string(doing) + ": " + name,
                 known ? std::string(found->hint) : "the token or its module refused; its own log may say why")
        .with_return_value(name);
}

}  // namespace keyway::pkcs11
