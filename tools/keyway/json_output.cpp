// SPDX-License-Identifier: BSD-2-Clause
#include "json_output.hpp"

#include "times.hpp"

#include <keyway/x509/general_name.hpp>
#include <keyway/x509/names.hpp>
#include <keyway/x509/serial.hpp>
#include <keyway/x509/validity.hpp>

#include <botan/x509cert.h>
#include <nlohmann/json.hpp>

namespace keyway::cli {

namespace {

Json text_or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

/// The attributes that are yes or no for people, true or false for programs.
bool is_yes_or_no(std::string_view name) {
    return name == "encrypted" || name == "sensitive" || name == "extractable";
}

}  // namespace

Json json_of(const KeyRef& ref) {
    Json json{{"reference", ref.to_string()},
              {"key", Json::parse(ref.to_json())},
              {"type", ref.key().to_string()},
              {"spki-sha256", ref.fingerprint().to_string()},
              {"backend", ref.backend().str()}};
    if(ref.fallback_from()) {
        json["fallback"] = {{"from", ref.fallback_from()->str()}, {"to", ref.backend().str()}};
    }
    return json;
}

Json json_of_attributes(const std::vector<std::pair<std::string, std::string>>& attributes) {
    auto json = Json::object();
    for(const auto& [name, value] : attributes) {
        json[name] = is_yes_or_no(name) ? Json(value == "yes") : Json(value);
    }
    return json;
}

Json json_of(const KeyInfo& key) {
    auto json = json_of(key.ref);
    json["label"] = key.label;
    json["attributes"] = json_of_attributes(key.attributes);
    return json;
}

Json json_of(const Botan::X509_Certificate& certificate) {
    const auto validity = x509::validity_of(certificate);
    return {{"subject", x509::DistinguishedName::from_botan(certificate.subject_dn()).to_string()},
            {"issuer", x509::DistinguishedName::from_botan(certificate.issuer_dn()).to_string()},
            {"serial", x509::SerialNumber::of(certificate).to_hex()},
            {"not-before", to_iso_8601(validity.not_before)},
            {"not-after", to_iso_8601(validity.not_after)},
            {"pem", certificate.PEM_encode()}};
}

Json json_of(const Error& error) {
    return {{"code", std::string(to_string(error.code()))},
            {"message", error.message()},
            {"hint", text_or_null(error.hint())},
            {"backend", text_or_null(error.backend())},
            {"return_value", text_or_null(error.return_value())}};
}

std::string error_line(const Error& error) {
    return Json{{"error", json_of(error)}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace keyway::cli
