// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/hsm/write_check_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/object_internal.hpp>
#include <keyway/pkcs11/return_value.hpp>

#include <array>
#include <string_view>

namespace keyway::hsm {

namespace {

constexpr std::string_view label = "keyway write check";

/// In which no key is, and which no program uses.
pkcs11::Template named() {
    pkcs11::Template out;
    out.add_number(CKA_CLASS, CKO_DATA).add_yes(CKA_TOKEN).add_text(CKA_LABEL, label).add_text(CKA_APPLICATION, "keyway");
    return out;
}

/// What a token says that knows no data objects, or not such ones.
bool refuses_data(CK_RV result) {
    switch(result) {
        case CKR_ATTRIBUTE_TYPE_INVALID:
        case CKR_ATTRIBUTE_VALUE_INVALID:
        case CKR_ATTRIBUTE_READ_ONLY:
        case CKR_TEMPLATE_INCONSISTENT:
        case CKR_TEMPLATE_INCOMPLETE:
        case CKR_FUNCTION_NOT_SUPPORTED:
            return true;
        default:
            return false;
    }
}

void destroy(const pkcs11::Session& session, CK_OBJECT_HANDLE object) {
    const auto result = session.calls().C_DestroyObject(session.handle(), object);
    // Two checks at a time see each other's object.
    if(result != CKR_OK && result != CKR_OBJECT_HANDLE_INVALID) {
        throw pkcs11::call_failed(result, "destroy the data object " + in_quotes(label) + " that was written to try it (it is still there)");
    }
}

}  // namespace

void require_writable(pkcs11::Token& token, const pkcs11::PinProvider& pin) {
    token.with_session(pkcs11::SessionMode::read_write, pin, [&](const pkcs11::Session& session) {
        // Also of the attempt before, whose answer was lost.
        for(const auto object : pkcs11::find_objects(session, named())) {
            destroy(session, object);
        }
        constexpr std::array<std::uint8_t, 16> zeros{};
        auto attributes = named();
        attributes.add_no(CKA_PRIVATE).add(CKA_VALUE, zeros);
        CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
        const auto result = [&] {
            const auto turn = session.turn_for(pkcs11::Module::ObjectWork::making);
            return session.calls().C_CreateObject(session.handle(), attributes.data(), attributes.size(), &object);
        }();
        if(refuses_data(result)) {
            throw Error(Errc::unsupported,
                        token.name() + " takes no data objects, so that it cannot be told whether it takes changes without making a key",
                        "leave --writable out, or make a key and remove it")
                .with_return_value(pkcs11::return_value_name(result));
        }
        if(result != CKR_OK) {
            throw pkcs11::call_failed(result, "write a data object into " + token.name());
        }
        destroy(session, object);
    });
}

}  // namespace keyway::hsm
