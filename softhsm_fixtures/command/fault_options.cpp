// SPDX-License-Identifier: BSD-2-Clause
#include "fault_options.hpp"

#include "failure.hpp"
#include "files.hpp"

#include <fault/plan.hpp>

#include <string_view>

namespace softhsm_fixtures::command {

namespace {

namespace fs = std::filesystem;

[[nodiscard]] std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
    std::string whole;
    for (const auto& part : parts) {
        whole += (whole.empty() ? "" : std::string(separator)) + part;
    }
    return whole;
}

/// The request as the fault module gets it, but without its files.
[[nodiscard]] pkcs11_fault::Variables variables_of(const FaultRequest& request) {
    pkcs11_fault::Variables variables;
    if (request.plan) {
        variables.emplace_back("PKCS11_FAULT_PLAN", fs::absolute(*request.plan).string());
    }
    if (!request.profiles.empty()) {
        variables.emplace_back("PKCS11_FAULT_PROFILE", joined(request.profiles, ","));
    }
    if (!request.faults.empty()) {
        variables.emplace_back("PKCS11_FAULT", joined(request.faults, "; "));
    }
    if (request.seed) {
        variables.emplace_back("PKCS11_FAULT_SEED", *request.seed);
    }
    return variables;
}

/// The message with the options where the parser names variables.
[[nodiscard]] std::string with_options(std::string message) {
    for (const auto& [variable, option] : {std::pair("PKCS11_FAULT_PROFILE:", "--fault-profile:"),
                                           std::pair("PKCS11_FAULT_SEED:", "--fault-seed:"),
                                           std::pair("PKCS11_FAULT:", "--fault:")}) {
        if (message.starts_with(variable)) {
            message.replace(0, std::string_view(variable).size(), option);
        }
    }
    return message;
}

[[nodiscard]] pkcs11_fault::Plan read(const FaultRequest& request, const fs::path& module) {
    auto variables = variables_of(request);
    variables.emplace_back("PKCS11_FAULT_MODULE", module.string());
    try {
        return pkcs11_fault::plan_from_variables(variables);
    } catch (const pkcs11_fault::PlanError& error) {
        throw Failure(Status::failed, with_options(error.what()));
    }
}

} // namespace

void check_faults(const FaultRequest& request) {
    if (request.plan && request.plan->empty()) {
        throw Failure(Status::failed, "--fault-plan: the path is empty");
    }
    // Which module it is does not matter to the check.
    static_cast<void>(read(request, "/module"));
}

void set_fault_variables(Variables& variables, const FaultRequest& request, const RealModule& module,
                         const fs::path& folder) {
    const auto plan = read(request, module.path);
    for (const auto& [name, value] : variables_of(request)) {
        variables.set(name, value);
    }
    variables.set("PKCS11_FAULT_MODULE", module.path.string());
    if (const std::string arguments = module.init_arguments.empty() ? plan.init_arguments.value_or("") : module.init_arguments;
        !arguments.empty()) {
        variables.set("PKCS11_FAULT_INIT_ARGS", arguments);
    }
    const auto set_file = [&](const char* name, const std::optional<std::string>& option,
                              const std::optional<std::string>& planned, const char* usual) {
        const fs::path path = option ? fs::absolute(*option) : planned ? fs::path(*planned) : folder / usual;
        variables.set(name, path.string());
    };
    set_file("PKCS11_FAULT_LOG", request.log, plan.log, "fault-log.jsonl");
    set_file("PKCS11_FAULT_COUNTERS", request.counters, plan.counters, "fault-counters");
    set_file("PKCS11_FAULT_CONTROL", request.control, plan.control, "fault-control.jsonl");
}

void check_plan(const std::string& path) {
    try {
        static_cast<void>(pkcs11_fault::read_plan(path));
    } catch (const pkcs11_fault::PlanError& error) {
        throw Failure(Status::failed, error.what());
    }
}

void add_control_line(const fs::path& control, const std::string& line) {
    if (line.find('\n') != std::string::npos) {
        throw Failure(Status::failed, "a control line has no line end in it; give one line at a time");
    }
    try {
        static_cast<void>(pkcs11_fault::parse_command(line));
    } catch (const pkcs11_fault::PlanError& error) {
        throw Failure(Status::failed, error.what());
    }
    append_line(control, line);
}

} // namespace softhsm_fixtures::command
