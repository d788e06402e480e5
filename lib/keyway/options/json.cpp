// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/core/error.hpp>
#include <keyway/core/text.hpp>
#include <keyway/options/json_internal.hpp>

#include <set>
#include <utility>
#include <vector>

namespace keyway {

namespace {

Error malformed_json(std::string_view text, std::string_view subject, std::size_t byte) {
    // nlohmann's own message repeats what it read last, which may be a secret: only the place is told.
    std::size_t line = 1;
    std::size_t column = 1;
    for(const char c : text.substr(0, byte == 0 ? 0 : byte - 1)) {
        if(c == '\n') {
            ++line;
            column = 1;
        } else {
            ++column;
        }
    }
    return {Errc::malformed_data,
            std::string(subject) + " is not JSON: syntax error at line " + std::to_string(line) + ", column " +
                std::to_string(column),
            "check the commas, quotes and brackets there"};
}

}  // namespace

nlohmann::json parse_json(std::string_view text, std::string_view subject) {
    std::vector<std::set<std::string>> open_objects;
    const auto watch_names = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
        if(event == nlohmann::json::parse_event_t::object_start) {
            open_objects.emplace_back();
        } else if(event == nlohmann::json::parse_event_t::object_end) {
            open_objects.pop_back();
        } else if(event == nlohmann::json::parse_event_t::key) {
            const auto& name = parsed.get_ref<const std::string&>();
            if(!open_objects.back().insert(name).second) {
                throw Error(Errc::malformed_data, std::string(subject) + " has the name " + in_quotes(name) + " twice",
                            "keep one of the two");
            }
        }
        return true;
    };
    try {
        return nlohmann::json::parse(text, watch_names);
    } catch(const nlohmann::json::parse_error& error) {
        throw malformed_json(text, subject, error.byte);
    } catch(const nlohmann::json::exception&) {
        throw malformed_json(text, subject, 0);
    }
}

RawOption to_raw_option(std::string_view name,
                        const nlohmann::json& value,
                        std::string_view subject,
                        OptionOrigin origin) {
    RawOption raw{.value = {}, .form = RawOption::Form::text, .origin = std::move(origin)};
    if(value.is_string()) {
        raw.value = value.get<std::string>();
    } else if(value.is_boolean()) {
        raw.value = value.get<bool>() ? "true" : "false";
        raw.form = RawOption::Form::flag;
    } else if(value.is_number_integer()) {
        raw.value = value.dump();
        raw.form = RawOption::Form::number;
    } else {
        throw Error(Errc::invalid_option,
                    "the option " + in_quotes(name) + " of " + std::string(subject) +
                        " is no text, whole number, true or false");
    }
    return raw;
}

}  // namespace keyway
