// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/cryptoki_internal.hpp>
#include <keyway/pkcs11/uri.hpp>

#include <p11-kit/uri.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <set>
#include <span>

namespace keyway::pkcs11 {

namespace {

struct FreeUri {
    void operator()(P11KitUri* uri) const noexcept { p11_kit_uri_free(uri); }
};
using P11Uri = std::unique_ptr<P11KitUri, FreeUri>;

struct FreeText {
    void operator()(char* text) const noexcept { std::free(text); }  // p11-kit hands out malloc'ed text
};

struct ObjectClass {
    std::string_view name;
    CK_OBJECT_CLASS value;
};

constexpr std::array classes{
    ObjectClass{"private", CKO_PRIVATE_KEY}, ObjectClass{"public", CKO_PUBLIC_KEY},
    ObjectClass{"cert", CKO_CERTIFICATE},    ObjectClass{"secret-key", CKO_SECRET_KEY},
    ObjectClass{"data", CKO_DATA},
};

P11Uri new_uri() {
    P11Uri uri(p11_kit_uri_new());
    if(!uri) {
        throw std::bad_alloc();
    }
    return uri;
}

Error malformed(const std::string& why) {
    return {Errc::invalid_argument, "this is no PKCS#11 URI: " + why,
            "write pkcs11:token=LABEL;serial=NUMBER;object=LABEL with other characters as %XX (RFC 7512)"};
}

/// A fixed-size field of PKCS#11: padded with blanks; p11-kit leaves it zero when the URI does not give it.
std::optional<std::string> padded_field(std::span<const unsigned char> field) {
    if(field.front() == 0) {
        return std::nullopt;
    }
    std::string text(field.begin(), field.end());
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

void set_padded_field(std::span<unsigned char> field, const std::optional<std::string>& text, std::string_view name) {
    if(!text) {
        return;
    }
    if(text->size() > field.size()) {
        throw malformed(std::string(name) + " is longer than " + std::to_string(field.size()) + " bytes");
    }
    std::ranges::fill(field, static_cast<unsigned char>(' '));
    std::ranges::copy(*text, field.begin());
}

std::optional<std::string> text_or_nothing(const char* text) {
    return text == nullptr ? std::nullopt : std::optional<std::string>(text);
}

std::optional<SecretSource> parse_pin_source(const char* text) {
    if(text == nullptr) {
        return std::nullopt;
    }
    const std::string_view source(text);
    if(source.starts_with('/')) {
        return SecretSource::parse("file:" + std::string(source));
    }
    if(source.starts_with('|')) {
        throw malformed("a pin-source that is a command is not run");
    }
    try {
        return SecretSource::parse(source);
    } catch(const Error&) {
        throw malformed("its pin-source is not of the form file:PATH, env:NAME, fd:N or prompt:");
    }
}

std::optional<std::string> parse_type(P11KitUri* uri) {
    const auto* const attribute = p11_kit_uri_get_attribute(uri, CKA_CLASS);
    if(attribute == nullptr || attribute->ulValueLen != sizeof(CK_OBJECT_CLASS)) {
        return std::nullopt;
    }
    const auto value = *static_cast<const CK_OBJECT_CLASS*>(attribute->pValue);
    const auto found = std::ranges::find(classes, value, &ObjectClass::value);
    return found == classes.end() ? std::nullopt : std::optional<std::string>(found->name);
}

/// RFC 7512 2.3: an attribute stands once at most; p11-kit takes the last of several.
void require_single_attributes(std::string_view text) {
    std::set<std::string_view> names;
    auto rest = text.substr(std::string_view("pkcs11:").size());
    while(!rest.empty()) {
        const auto end = std::min(rest.find_first_of(";?&"), rest.size());
        const auto name = rest.substr(0, std::min(rest.find('='), end));
        if(!names.insert(name).second) {
            throw malformed("it has " + in_quotes(name) + " twice");
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
}

void set_attribute(P11KitUri* uri, CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size) {
    // p11-kit copies the value; its interface merely lacks the const.
    CK_ATTRIBUTE attribute{type, const_cast<void*>(value), size};
    p11_kit_uri_set_attribute(uri, &attribute);
}

}  // namespace

Uri Uri::parse(std::string_view text) {
    if(!text.starts_with("pkcs11:")) {
        throw malformed("it does not begin with \"pkcs11:\"");
    }
    const auto parsed = new_uri();
    const int result = p11_kit_uri_parse(std::string(text).c_str(), P11_KIT_URI_FOR_ANY, parsed.get());
    if(text.find('\0') != std::string_view::npos || result != P11_KIT_URI_OK) {
        const char* const why = p11_kit_uri_message(result);
        throw malformed(why == nullptr ? "it has a NUL" : why);
    }
    require_single_attributes(text);
    if(p11_kit_uri_get_pin_value(parsed.get()) != nullptr) {
        throw Error(Errc::invalid_argument,
                    "the PKCS#11 URI holds a PIN (it is not repeated here)",
                    "take pin-value out and give the PIN's source: pin-source=file:PATH, or the option user-pin");
    }
    if(p11_kit_uri_any_unrecognized(parsed.get()) != 0) {
        throw malformed("it has attributes that RFC 7512 does not define, or a value that no object can have");
    }

    Uri uri;
    const auto& token = *p11_kit_uri_get_token_info(parsed.get());
    uri.token = padded_field(token.label);
    uri.manufacturer = padded_field(token.manufacturerID);
    uri.model = padded_field(token.model);
    uri.serial = padded_field(token.serialNumber);
    const auto& library = *p11_kit_uri_get_module_info(parsed.get());
    uri.library_description = padded_field(library.libraryDescription);
    uri.library_manufacturer = padded_field(library.manufacturerID);
    if(const auto* const label = p11_kit_uri_get_attribute(parsed.get(), CKA_LABEL)) {
        uri.object.emplace(static_cast<const char*>(label->pValue), label->ulValueLen);
    }
    if(const auto* const id = p11_kit_uri_get_attribute(parsed.get(), CKA_ID)) {
        const auto* const bytes = static_cast<const std::uint8_t*>(id->pValue);
        uri.id.emplace(bytes, bytes + id->ulValueLen);
    }
    uri.type = parse_type(parsed.get());
    uri.module_name = text_or_nothing(p11_kit_uri_get_module_name(parsed.get()));
    uri.module_path = text_or_nothing(p11_kit_uri_get_module_path(parsed.get()));
    uri.pin_source = parse_pin_source(p11_kit_uri_get_pin_source(parsed.get()));
    return uri;
}

std::string Uri::to_string() const {
    const auto out = new_uri();
    auto& info = *p11_kit_uri_get_token_info(out.get());
    set_padded_field(info.label, token, "token");
    set_padded_field(info.manufacturerID, manufacturer, "manufacturer");
    set_padded_field(info.model, model, "model");
    set_padded_field(info.serialNumber, serial, "serial");
    auto& library = *p11_kit_uri_get_module_info(out.get());
    set_padded_field(library.libraryDescription, library_description, "library-description");
    set_padded_field(library.manufacturerID, library_manufacturer, "library-manufacturer");
    if(object) {
        set_attribute(out.get(), CKA_LABEL, object->data(), object->size());
    }
    if(id) {
        set_attribute(out.get(), CKA_ID, id->data(), id->size());
    }
    if(type) {
        const auto found = std::ranges::find(classes, *type, &ObjectClass::name);
        if(found == classes.end()) {
            throw malformed("there is no object type " + in_quotes(*type));
        }
        set_attribute(out.get(), CKA_CLASS, &found->value, sizeof(found->value));
    }
    if(module_name) {
        p11_kit_uri_set_module_name(out.get(), module_name->c_str());
    }
    if(module_path) {
        p11_kit_uri_set_module_path(out.get(), module_path->c_str());
    }
    if(pin_source) {
        p11_kit_uri_set_pin_source(out.get(), pin_source->to_string().c_str());
    }
    char* text = nullptr;
    const int result = p11_kit_uri_format(out.get(), P11_KIT_URI_FOR_ANY, &text);
    const std::unique_ptr<char, FreeText> owned(text);
    if(result != P11_KIT_URI_OK || text == nullptr) {
        throw malformed("it cannot be formatted");
    }
    return text;
}

}  // namespace keyway::pkcs11
