// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/pkcs11/quirks/probe.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace keyway::pkcs11 {

namespace {

using Json = nlohmann::ordered_json;

/// Puts lines together that all have the same source.
class Lines {
public:
    explicit Lines(std::string source) : source_(std::move(source)) {}

    void add(const char* quirk, Json value, const std::string& reason) {
        lines_.push_back({{quirk, std::move(value)}, {"reason", reason}, {"source", source_}});
    }

    [[nodiscard]] Json json() && { return std::move(lines_); }

private:
    std::string source_;
    Json lines_ = Json::array();
};

const char* text_of(EcPointForm form) {
    return form == EcPointForm::der ? "der" : "raw";
}

/// No raw mechanism works, and one that hashes does.
bool hashes_in_token(const std::vector<SigningFinding>& signing) {
    const auto works = [&](bool hashes) {
        return std::ranges::any_of(signing, [&](const SigningFinding& finding) {
            return finding.works && finding.hashes == hashes && finding.mechanism != "CKM_EDDSA";
        });
    };
    return works(true) && !works(false);
}

void add_signing(Lines& lines, const ProbeReport& report) {
    auto avoided = Json::array();
    std::string answers;
    auto exact = Json::array();
    for(const auto& finding : report.signing) {
        if(finding.listed && !finding.works && !finding.answer.empty()) {
            avoided.push_back(finding.mechanism);
            answers += (answers.empty() ? "" : ", ") + finding.answer;
        }
        if(finding.works && finding.exact_buffer) {
            exact.push_back(finding.mechanism);
        }
    }
    if(!avoided.empty()) {
        lines.add("avoid-mechanisms", avoided, "listed by the token, which answered: " + answers);
    }
    if(hashes_in_token(report.signing)) {
        lines.add("hash-in-token", true, "mechanisms that hash in the token signed, and no other did");
    }
    if(!exact.empty()) {
        lines.add("exact-signature-buffer", exact, "a larger buffer was refused");
    }
    auto limits = Json::object();
    for(const auto& limit : report.data_limits) {
        if(!limit.answer.empty()) {
            limits[limit.mechanism] = limit.bytes;
            answers = limit.answer;
        }
    }
    if(!limits.empty()) {
        lines.add("data-limits", limits, "a longer message was refused: " + answers);
    }
}

template <typename Named>
Json named_lists(const Named& lists) {
    auto json = Json::object();
    for(const auto& [name, list] : lists) {
        if(!list->empty()) {
            json[name] = *list;
        }
    }
    return json;
}

void add_keys(Lines& lines, const ProbeReport& report) {
    if(report.ec_point) {
        lines.add("ec-point", text_of(*report.ec_point), "a P-256 public key of the token has this form");
    }
    if(report.edwards_point) {
        lines.add("edwards-point", text_of(*report.edwards_point), "an Ed25519 public key of the token has this form");
    }
    using Lists = std::vector<std::pair<const char*, const std::vector<std::string>*>>;
    const auto& refused = report.refused_attributes;
    if(const auto json = named_lists(Lists{{"generate-private", &refused.generate_private},
                                           {"generate-public", &refused.generate_public}});
       !json.empty()) {
        lines.add("refused-attributes", json, "C_GenerateKeyPair refused them, each by itself");
    }
    const auto& missing = report.missing_attributes;
    if(const auto json =
           named_lists(Lists{{"private-key", &missing.private_key}, {"public-key", &missing.public_key}});
       !json.empty()) {
        lines.add("missing-attributes", json, "a key pair that was just made did not give them");
    }
    if(report.public_keys_private) {
        lines.add("public-keys-private", true, "CKA_PRIVATE false was refused for a public key, and true was not");
    }
}

void add_sessions(Lines& lines, const ProbeReport& report) {
    if(report.sessions && !report.session_answer.empty()) {
        lines.add("most-sessions", *report.sessions, "C_OpenSession answered " + report.session_answer + " to one more");
    } else if(report.token.most_sessions) {
        lines.add("most-sessions", *report.token.most_sessions, "CK_TOKEN_INFO says so");
    }
    if(!report.copy_object.empty() && report.copy_object != "CKR_OK") {
        lines.add("missing-functions", Json::array({"C_CopyObject"}), "it answered " + report.copy_object);
    }
    if(report.token.longest_pin == 0) {
        lines.add("pin-length-unknown", true, "CK_TOKEN_INFO says that no PIN has a byte");
    }
}

double microseconds(std::chrono::nanoseconds time) {
    constexpr double per_microsecond = 1000.0;
    return static_cast<double>(time.count()) / per_microsecond;
}

Json text_or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

template <typename Value>
Json value_or_null(const std::optional<Value>& value) {
    return value ? Json(*value) : Json();
}

Json measured(const ProbeReport& report, std::string_view time) {
    auto signing = Json::object();
    for(const auto& finding : report.signing) {
        signing[finding.mechanism] = {{"listed", finding.listed},
                                      {"works", finding.answer.empty() ? Json() : Json(finding.works)},
                                      {"answer", text_or_null(finding.answer)},
                                      {"microseconds", finding.works ? Json(microseconds(finding.time)) : Json()}};
    }
    auto limits = Json::object();
    for(const auto& limit : report.data_limits) {
        limits[limit.mechanism] = {{"bytes", limit.bytes}, {"answer-beyond", text_or_null(limit.answer)}};
    }
    auto times = Json::object();
    for(const auto& call : report.times) {
        times[call.call] = microseconds(call.time);
    }
    return {{"time", std::string(time)},
            {"module",
             {{"file", report.module.file},
              {"manufacturer", report.module.manufacturer},
              {"description", report.module.description},
              {"version", report.module.version}}},
            {"interfaces", value_or_null(report.interfaces)},
            {"mechanisms", report.mechanisms},
            {"signing", signing},
            {"longest-messages", limits},
            {"copy-object", text_or_null(report.copy_object)},
            {"copy-speed", value_or_null(report.copy_speed)},
            {"state-before-login", report.state_before_login},
            {"state-after-login", text_or_null(report.state_after_login)},
            {"second-login", text_or_null(report.second_login)},
            {"sessions-announced", value_or_null(report.token.most_sessions)},
            {"sessions-opened", value_or_null(report.sessions)},
            {"session-answer", text_or_null(report.session_answer)},
            {"microseconds", times},
            {"notes", report.notes}};
}

}  // namespace

std::string measured_profile(const ProbeReport& report, std::string_view name, std::string_view time) {
    const auto& token = report.token;
    const auto& module = report.module;
    const auto known = [](const std::string& text, const char* otherwise) { return text.empty() ? otherwise : text; };
    Lines lines("measured with " + known(module.description, "a module without a description") + " " + module.version + " (" +
                module.file + ") on " + std::string(time));
    add_signing(lines, report);
    add_keys(lines, report);
    add_sessions(lines, report);

    auto match = Json::object();
    for(const auto& [part, text] : {std::pair{"manufacturer", &token.manufacturer}, std::pair{"model", &token.model},
                                    std::pair{"library-description", &module.description}}) {
        if(!text->empty() && text->find('*') == std::string::npos) {
            match[part] = *text;
        }
    }
    Json profile{{"version", 1},
                 {"name", std::string(name)},
                 {"summary", "measured on " + known(token.manufacturer, "a token") + " " + token.model}};
    if(!match.empty()) {
        profile["match"] = Json::array({match});
    }
    profile["quirks"] = std::move(lines).json();
    profile["measured"] = measured(report, time);
    // What tokens say of themselves need not be UTF-8; a file always is.
    return profile.dump(4, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace keyway::pkcs11
