// SPDX-License-Identifier: BSD-2-Clause
#include "fault_options.hpp"

#include "failure.hpp"
#include "files.hpp"

#include <fault/plan.hpp>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

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

/// A value that is left out by mistake, as where a variable of a script is empty, must not make a test pass.
void check_not_empty(const FaultRequest& request) {
    const auto check = [](const char* option, std::string_view value) {
        if (value.find_first_not_of(" \t\r\n;,") == std::string_view::npos) {
            throw Failure(Status::failed, std::string(option) + ": an empty value tests nothing; leave the option out, or give it one");
        }
    };
    for (const auto& fault : request.faults) {
        check("--fault", fault);
    }
    for (const auto& profile : request.profiles) {
        check("--fault-profile", profile);
    }
    for (const auto& [option, value] : {std::pair("--fault-plan", request.plan), std::pair("--fault-seed", request.seed),
                                        std::pair("--fault-log", request.log), std::pair("--fault-counters", request.counters),
                                        std::pair("--fault-control", request.control)}) {
        if (value) {
            check(option, *value);
        }
    }
}

/// The fault module makes the file, not its folder; it would say so when the program runs, or the program's own log.
void check_folder_of(const std::string& what, const fs::path& file) {
    const fs::path folder = fs::absolute(file).parent_path();
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored)) {
        throw Failure(Status::failed, what + ": there is no folder \"" + folder.string() + "\" for \"" + file.string() + '"');
    }
    if (fs::is_directory(file, ignored)) {
        throw Failure(Status::failed, what + ": \"" + file.string() + "\" is a folder; name a file");
    }
    if (::access((fs::exists(file, ignored) ? file : folder).c_str(), W_OK) != 0) {
        throw Failure(Status::failed, what + ": \"" + file.string() + "\" cannot be written: " + std::generic_category().message(errno));
    }
}

} // namespace

void check_faults(const FaultRequest& request) {
    check_not_empty(request);
    // Which module it is does not matter to the check.
    const auto plan = read(request, "/module");
    const std::string in_plan = request.plan ? "plan \"" + *request.plan + "\": " : "";
    const auto check_file = [&](const char* option, const char* member, const std::optional<std::string>& given,
                                const std::optional<std::string>& planned) {
        if (given) {
            check_folder_of(option, *given);
        } else if (planned) {
            check_folder_of(in_plan + member, *planned);
        }
    };
    check_file("--fault-log", "log", request.log, plan.log);
    check_file("--fault-counters", "counters", request.counters, plan.counters);
    check_file("--fault-control", "control", request.control, plan.control);
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
