// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/pkcs11/quirks/reading_internal.hpp>

#include <botan/asn1_obj.h>
#include <botan/ec_group.h>
#include <botan/exceptn.h>

#include <algorithm>

namespace keyway::pkcs11 {

namespace {

using Value = PlacedValue;

constexpr std::string_view flag = "true";
constexpr std::string_view number = "a whole number from 1";
constexpr std::string_view text = "a text";
constexpr std::string_view point = "\"der\" or \"raw\"";

template <bool QuirkProfile::*Member>
void read_flag(const Value& value, QuirkProfile& profile) {
    value.yes();
    profile.*Member = true;
}

template <std::optional<std::size_t> QuirkProfile::*Member>
void read_number(const Value& value, QuirkProfile& profile) {
    profile.*Member = value.number();
}

template <std::optional<std::string> QuirkProfile::*Member>
void read_text(const Value& value, QuirkProfile& profile) {
    profile.*Member = value.text();
}

template <std::optional<EcPointForm> QuirkProfile::*Member>
void read_point(const Value& value, QuirkProfile& profile) {
    const auto form = value.text();
    if(form != "der" && form != "raw") {
        throw Error(Errc::invalid_option, value.place + " is not " + std::string(point), "see docs/quirks.md");
    }
    profile.*Member = form == "der" ? EcPointForm::der : EcPointForm::raw;
}

void add(std::vector<std::string>& list, const std::vector<std::string>& more, const Value& value) {
    for(const auto& name : more) {
        if(std::ranges::find(list, name) != list.end()) {
            throw Error(Errc::invalid_option, value.place + " has " + in_quotes(name) + ", which another line has too",
                        "name each once");
        }
        list.push_back(name);
    }
}

template <std::vector<std::string> QuirkProfile::*Member, NameFamily Family>
void read_constants(const Value& value, QuirkProfile& profile) {
    add(profile.*Member, value.constants(Family), value);
}

template <std::vector<std::string> QuirkProfile::*Member>
void read_curves(const Value& value, QuirkProfile& profile) {
    const auto& named = Botan::EC_Group::known_named_groups();
    std::vector<std::string> all{"Ed25519", "Ed448", "X25519", "X448"};
    all.insert(all.end(), named.begin(), named.end());
    add(profile.*Member, value.names(all, "curve"), value);
}

void read_functions(const Value& value, QuirkProfile& profile) {
    add(profile.missing_functions, value.names(function_names(), "function that a token can lack,"), value);
}

void read_data_limits(const Value& value, QuirkProfile& profile) {
    for(const auto& [mechanism, limit] : value.members({})) {
        if(mechanism != "*" && !constant_value(NameFamily::mechanisms, mechanism)) {
            throw Error(Errc::invalid_option, limit.place + " is no mechanism of PKCS#11 3.2",
                        "name a mechanism, or \"*\" for all others");
        }
        if(!profile.data_limits.emplace(mechanism, limit.number()).second) {
            throw Error(Errc::invalid_option, limit.place + " stands on another line too", "name each once");
        }
    }
}

void read_refused(const Value& value, QuirkProfile& profile) {
    auto& refused = profile.refused_attributes;
    for(const auto& [use, names] :
        value.members({"generate-public", "generate-private", "import-public", "import-private"})) {
        auto& list = use == "generate-public"    ? refused.generate_public
                     : use == "generate-private" ? refused.generate_private
                     : use == "import-public"    ? refused.import_public
                                                 : refused.import_private;
        add(list, names.constants(NameFamily::attributes), names);
    }
}

void read_missing(const Value& value, QuirkProfile& profile) {
    for(const auto& [kind, names] : value.members({"public-key", "private-key"})) {
        auto& list = kind == "public-key" ? profile.missing_attributes.public_key : profile.missing_attributes.private_key;
        add(list, names.constants(NameFamily::attributes), names);
    }
}

void read_ed25519_parameters(const Value& value, QuirkProfile& profile) {
    auto oid = value.text();
    try {
        static_cast<void>(Botan::OID(oid));
    } catch(const Botan::Exception&) {
        throw Error(Errc::invalid_option, value.place + " is no object identifier", "write for instance 1.3.101.112");
    }
    profile.ed25519_parameters = std::move(oid);
}

void read_idle_timeout(const Value& value, QuirkProfile& profile) {
    profile.idle_timeout = std::chrono::milliseconds(value.number());
}

using P = QuirkProfile;
using enum NameFamily;

}  // namespace

const std::vector<QuirkReader>& quirk_readers() {
    static const std::vector<QuirkReader> readers{
        {{"avoid-mechanisms", "a list of mechanisms", "offered by the token, and not to be used"},
         true, read_constants<&P::avoid_mechanisms, mechanisms>},
        {{"only-curves", "a list of curves", "keys can be on these, and on no other"}, true, read_curves<&P::only_curves>},
        {{"avoid-curves", "a list of curves", "taken by the token, whose keys do not sign"},
         true, read_curves<&P::avoid_curves>},
        {{"hash-in-token", flag, "signs by mechanisms that hash in the token, and by no other"},
         false, read_flag<&P::hash_in_token>},
        {{"ecdsa-digest-fits-curve", flag, "a digest longer than the curve's order has to be cut before C_Sign"},
         false, read_flag<&P::ecdsa_digest_fits_curve>},
        {{"eddsa-parameters-ignored", flag, "CK_EDDSA_PARAMS are taken and have no effect"},
         false, read_flag<&P::eddsa_parameters_ignored>},
        {{"exact-signature-buffer", "a list of mechanisms", "C_Sign refuses a buffer that is larger than the signature"},
         true, read_constants<&P::exact_signature_buffer, mechanisms>},
        {{"data-limits", "an object of mechanisms, or \"*\", and numbers", "the most bytes that C_Sign takes"},
         true, read_data_limits},
        {{"ec-point", point, "the form of CKA_EC_POINT of all curves but Edwards'"}, false, read_point<&P::ec_point>},
        {{"edwards-point", point, "the form of CKA_EC_POINT of Edwards and Montgomery curves"}, false, read_point<&P::edwards_point>},
        {{"ed25519-parameters", "an object identifier", "CKA_EC_PARAMS of Ed25519 keys"}, false, read_ed25519_parameters},
        {{"refused-attributes",
          "an object of \"generate-public\", \"generate-private\", \"import-public\", \"import-private\" and lists of attributes",
          "are to be left out of templates"},
         true, read_refused},
        {{"missing-attributes", "an object of \"public-key\", \"private-key\" and lists of attributes",
          "are not given by C_GetAttributeValue"},
         true, read_missing},
        {{"public-keys-private", flag, "CKA_PRIVATE of public keys has to be true, so that they are seen after a login only"},
         false, read_flag<&P::public_keys_private>},
        {{"import-private-only", flag, "public keys cannot be written"}, false, read_flag<&P::import_private_only>},
        {{"no-key-import", flag, "private keys cannot be written"}, false, read_flag<&P::no_key_import>},
        {{"security-officer-makes-keys", text, "making and removing keys needs the security officer's login; by which tool"},
         false, read_text<&P::security_officer_makes_keys>},
        {{"own-tools-make-keys", text, "key pairs are made by attributes of the vendor's own; by which tool"},
         false, read_text<&P::own_tools_make_keys>},
        {{"most-sessions", number, "so many sessions can be open in a process"}, false, read_number<&P::most_sessions>},
        {{"most-logins", number, "so many processes can be logged in at the same time"}, false, read_number<&P::most_logins>},
        {{"idle-timeout-ms", number, "after so many milliseconds without use a session or login is lost"},
         false, read_idle_timeout},
        {{"session-info-stale", flag, "C_GetSessionInfo does not notice that a session or login was lost"},
         false, read_flag<&P::session_info_stale>},
        {{"sessions-not-locked", flag, "sessions have to be opened and closed, and logged in, one at a time in a process"},
         false, read_flag<&P::sessions_not_locked>},
        {{"objects-not-locked", flag, "no objects are to be made while others are looked for in a process"},
         false, read_flag<&P::objects_not_locked>},
        {{"read-write-sessions", flag, "all sessions have to be opened read/write"}, false, read_flag<&P::read_write_sessions>},
        {{"handles-end-with-logout", flag, "private objects have to be found again after another login"},
         false, read_flag<&P::handles_end_with_logout>},
        {{"reload-needed", flag, "a lost service comes back only after C_Finalize and C_Initialize"},
         false, read_flag<&P::reload_needed>},
        {{"objects-read-at-start", flag, "keys that other processes make are seen only after C_Finalize and C_Initialize"},
         false, read_flag<&P::objects_read_at_start>},
        {{"passing-errors", "a list of return values", "pass: the same call is to be tried again"},
         true, read_constants<&P::passing_errors, return_values>},
        {{"missing-functions", "a list of functions", "are not there, or always fail"}, true, read_functions},
        {{"init-arguments", text, "what the string in C_Initialize's pReserved has to hold"},
         false, read_text<&P::init_arguments>},
        {{"pin-form", text, "what a PIN consists of"}, false, read_text<&P::pin_form>},
        {{"pin-length-unknown", flag, "the lengths in CK_TOKEN_INFO mean nothing"}, false, read_flag<&P::pin_length_unknown>},
        {{"serial-not-unique", flag, "tokens are told apart by their labels only"}, false, read_flag<&P::serial_not_unique>},
    };
    return readers;
}

const std::vector<QuirkKind>& quirk_kinds() {
    static const auto kinds = [] {
        std::vector<QuirkKind> all;
        for(const auto& reader : quirk_readers()) {
            all.push_back(reader.kind);
        }
        return all;
    }();
    return kinds;
}

}  // namespace keyway::pkcs11
