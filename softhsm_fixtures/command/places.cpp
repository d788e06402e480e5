// SPDX-License-Identifier: BSD-2-Clause
#include "places.hpp"

#include "failure.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <system_error>
#include <unistd.h>

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

namespace softhsm_fixtures::command {

namespace {

namespace fs = std::filesystem;

constexpr const char* fault_module_variable = "SOFTHSM_FIXTURES_FAULT_MODULE";

[[nodiscard]] bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

[[nodiscard]] bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

[[nodiscard]] fs::path program_path() {
    std::error_code error;
#ifdef __APPLE__
    std::array<char, 4096> buffer{};
    auto size = static_cast<std::uint32_t>(buffer.size());
    if (_NSGetExecutablePath(buffer.data(), &size) != 0) {
        return {};
    }
    return fs::canonical(buffer.data(), error);
#else
    for (const char* link : {"/proc/self/exe", "/proc/curproc/file", "/proc/curproc/exe"}) {
        if (auto path = fs::canonical(link, error); !error) {
            return path;
        }
    }
    return {};
#endif
}

/// The folders in which systems have their libraries, the architecture's own first.
[[nodiscard]] std::vector<fs::path> library_folders() {
    std::vector<fs::path> folders;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/usr/lib", ignored)) {
        if (entry.path().filename().string().find("-linux-gnu") != std::string::npos) {
            folders.push_back(entry.path());
        }
    }
    std::sort(folders.begin(), folders.end());
    for (const char* folder : {"/usr/lib64", "/usr/lib", "/usr/local/lib64", "/usr/local/lib", "/opt/homebrew/lib"}) {
        folders.emplace_back(folder);
    }
    return folders;
}

} // namespace

fs::path program_folder() {
    return program_path().parent_path();
}

std::optional<fs::path> find_own_file(const std::string& name, const std::string& installed_folder,
                                      const std::string& in_build) {
    const fs::path here = program_folder();
    const std::array candidates = {here / in_build / name, here / SOFTHSM_FIXTURES_PREFIX_FROM_BIN / installed_folder / name,
                                   fs::path(SOFTHSM_FIXTURES_PREFIX) / installed_folder / name};
    for (const auto& candidate : candidates) {
        if (is_file(candidate)) {
            return candidate.lexically_normal();
        }
    }
    return std::nullopt;
}

HelperPointer::HelperPointer() {
    for (const auto& [variable, name] : {std::pair("SOFTHSM_FIXTURES_INIT", "softhsm-fixture-init"),
                                         std::pair("SOFTHSM_FIXTURES_FILL", "softhsm-fixture-fill")}) {
        const auto helper = find_own_file(name, SOFTHSM_FIXTURES_LIBEXEC_FOLDER, "..");
        if (!is_set(variable) && helper && ::setenv(variable, helper->c_str(), 1) == 0) {
            set_.emplace_back(variable);
        }
    }
}

HelperPointer::~HelperPointer() {
    for (const char* variable : set_) {
        ::unsetenv(variable);
    }
}

fs::path fault_module() {
#ifdef __APPLE__
    const std::string name = "libpkcs11-fault.dylib";
#else
    const std::string name = "libpkcs11-fault.so";
#endif
    if (is_set(fault_module_variable)) {
        const fs::path wanted = std::getenv(fault_module_variable);
        if (!is_file(wanted)) {
            throw Failure(Status::failed, std::string(fault_module_variable) + " names \"" + wanted.string() +
                                              "\", which is not a file");
        }
        return fs::absolute(wanted);
    }
    if (auto found = find_own_file(name, SOFTHSM_FIXTURES_LIB_FOLDER, "../fault")) {
        return *found;
    }
    throw Failure(Status::failed, "the fault module \"" + name + "\" is not installed beside this program in \"" +
                                      program_folder().string() + "\"; set " + fault_module_variable + " to its path");
}

std::optional<fs::path> find_openssl_module(const std::string& kind, const std::vector<std::string>& names) {
    std::vector<fs::path> folders;
    const char* variable = kind == "ossl-modules" ? "OPENSSL_MODULES" : "OPENSSL_ENGINES";
    if (is_set(variable)) {
        folders.emplace_back(std::getenv(variable));
    }
    for (const auto& folder : library_folders()) {
        folders.push_back(folder / kind);
    }
    for (const auto& folder : folders) {
        for (const auto& name : names) {
            if (is_file(folder / name)) {
                return fs::absolute(folder / name);
            }
        }
    }
    return std::nullopt;
}

} // namespace softhsm_fixtures::command
