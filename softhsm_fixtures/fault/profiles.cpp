// SPDX-License-Identifier: BSD-2-Clause
#include "plan.hpp"
#include "plan_json.hpp"
#include "profiles_data.hpp"

namespace pkcs11_fault {

const std::vector<ProfileInfo>& known_profiles() {
    static const auto profiles = [] {
        std::vector<ProfileInfo> result;
        for (const auto json : profile_documents()) {
            const auto object = parse_strict_json(json);
            result.push_back(
                {.name = object.at("name"), .summary = object.at("summary"), .json = std::string(json)});
        }
        return result;
    }();
    return profiles;
}

} // namespace pkcs11_fault
