// SPDX-License-Identifier: BSD-2-Clause
#include "quirks_output.hpp"

#include "../terminal.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

namespace keyway::cli {

namespace {

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for(const auto& word : words) {
        out += (out.empty() ? "" : ", ") + word;
    }
    return out;
}

/// A value of a profile without JSON's brackets and quotes, as far as it stays clear.
std::string value_text(const Json& value) {
    if(value.is_array()) {
        return joined(value.get<std::vector<std::string>>());
    }
    if(value.is_object()) {
        std::string out;
        for(const auto& [name, part] : value.items()) {
            out += (out.empty() ? "" : "; ") + name + ": " + value_text(part);
        }
        return out;
    }
    return value.is_string() ? value.get<std::string>() : value.dump();
}

Json json_of(const pkcs11::TokenMatch& match) {
    auto json = Json::object();
    for(const auto& [name, part] : {std::pair{"manufacturer", &match.manufacturer}, std::pair{"model", &match.model},
                                    std::pair{"library-manufacturer", &match.library_manufacturer},
                                    std::pair{"library-description", &match.library_description},
                                    std::pair{"module-file", &match.module_file}}) {
        if(*part) {
            json[name] = **part;
        }
    }
    return json;
}

std::string microseconds(std::chrono::nanoseconds time) {
    constexpr double per_microsecond = 1000.0;
    char text[32];
    std::snprintf(text, sizeof(text), "%.1f", static_cast<double>(time.count()) / per_microsecond);
    return text;
}

std::string signing_table(const pkcs11::ProbeReport& report) {
    std::vector<Row> rows;
    for(const auto& finding : report.signing) {
        const auto limit = std::ranges::find(report.data_limits, finding.mechanism, &pkcs11::DataLimitFinding::mechanism);
        const bool limited = limit != report.data_limits.end();
        rows.push_back({finding.key, finding.mechanism, finding.listed ? "yes" : "no",
                        finding.works            ? "works" + std::string(finding.exact_buffer ? ", exact buffer" : "")
                        : finding.answer.empty() ? "not tried"
                                                 : finding.answer,
                        finding.works ? microseconds(finding.time) : "",
                        !limited                 ? ""
                        : limit->answer.empty() ? std::to_string(limit->bytes) + " taken"
                                                : std::to_string(limit->bytes) + ", then " + limit->answer});
    }
    return "\n" + table({"KEY", "SIGNS BY", "LISTED", "ANSWER", "MICROSECONDS", "BYTES"}, rows);
}

std::string form_text(const std::optional<pkcs11::EcPointForm>& form) {
    return !form ? "not seen" : *form == pkcs11::EcPointForm::der ? "DER OCTET STRING" : "raw";
}

std::string copy_text(const pkcs11::ProbeReport& report) {
    auto text = report.copy_object;
    if(report.copy_speed) {
        char times[32];
        std::snprintf(times, sizeof(times), "%.2f", *report.copy_speed);
        text += std::string(", a session copy signs ") + times + " times as fast";
    }
    return text;
}

std::string sessions_text(const pkcs11::ProbeReport& report) {
    const auto& announced = report.token.most_sessions;
    auto text = announced ? std::to_string(*announced) + " announced" : std::string("no limit announced");
    if(report.sessions) {
        text += ", " + std::to_string(*report.sessions) + " opened";
        text += report.session_answer.empty() ? "" : ", then " + report.session_answer;
    }
    return text;
}

void add_lists(std::vector<Row>& rows, const std::string& what,
               const std::vector<std::pair<const char*, const std::vector<std::string>*>>& lists) {
    for(const auto& [where, names] : lists) {
        if(!names->empty()) {
            rows.push_back({what + " " + where, joined(*names)});
        }
    }
}

}  // namespace

Json json_of(const pkcs11::QuirkProfile& profile) {
    auto match = Json::array();
    for(const auto& one : profile.match) {
        match.push_back(json_of(one));
    }
    auto quirks = Json::array();
    for(const auto& line : profile.lines) {
        quirks.push_back({{line.name, Json::parse(line.value)}, {"reason", line.reason}, {"source", line.source}});
    }
    return {{"name", profile.name}, {"summary", profile.summary}, {"match", match}, {"quirks", quirks}};
}

std::string text_of(const pkcs11::QuirkProfile& profile) {
    std::string out = profile.name + ": " + profile.summary + "\n";
    for(const auto& one : profile.match) {
        out += "  for " + value_text(json_of(one)) + "\n";
    }
    for(const auto& line : profile.lines) {
        const auto value = value_text(Json::parse(line.value));
        out += "\n" + line.name + (value == "true" ? "" : ": " + value) + "\n  " + wrapped(line.reason, 2, 2) + "\n  " +
               line.source + "\n";
    }
    return out;
}

std::string text_of(const pkcs11::ProbeReport& report) {
    const auto& module = report.module;
    std::vector<Row> rows{
        {"token", report.token.label + ", " + report.token.manufacturer + ", " + report.token.model},
        {"module", module.file + ", " + module.description + " " + module.version},
        {"interfaces", report.interfaces ? joined(*report.interfaces) : "no C_GetInterfaceList"},
        {"mechanisms", std::to_string(report.mechanisms.size()) + " listed"},
        {"CKA_EC_POINT", form_text(report.ec_point)},
        {"CKA_EC_POINT, Edwards", form_text(report.edwards_point)},
        {"C_CopyObject", report.copy_object.empty() ? "not tried" : copy_text(report)},
        {"state", report.state_before_login + (report.state_after_login.empty() ? "" : ", then " + report.state_after_login)},
        {"second C_Login", report.second_login.empty() ? "not tried" : report.second_login},
        {"sessions", sessions_text(report)},
    };
    const auto& missing = report.missing_attributes;
    const auto& refused = report.refused_attributes;
    add_lists(rows, "not given by", {{"public keys", &missing.public_key}, {"private keys", &missing.private_key}});
    add_lists(rows, "refused in", {{"public templates", &refused.generate_public}, {"private templates", &refused.generate_private}});
    auto out = table({"WHAT", "FOUND"}, rows);
    if(!report.signing.empty()) {
        out += signing_table(report);
    }
    std::vector<Row> times;
    for(const auto& call : report.times) {
        times.push_back({call.call, microseconds(call.time)});
    }
    out += "\n" + table({"CALL", "MICROSECONDS"}, times);
    for(const auto& note : report.notes) {
        out += "\nnote: " + note;
    }
    return out + (report.notes.empty() ? "" : "\n");
}

}  // namespace keyway::cli
