// SPDX-License-Identifier: BSD-2-Clause
#include <softhsm_fixtures/find_softhsm.hpp>

#include <array>
#include <cstdlib>
#include <system_error>

namespace softhsm_fixtures {

namespace {

constexpr const char* module_variable = "SOFTHSM2_MODULE";

constexpr std::array usual_places = {
    "/usr/lib/softhsm/libsofthsm2.so",                  // Debian, Ubuntu, Arch, Alpine
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so", // Debian and Ubuntu, multiarch
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/arm-linux-gnueabihf/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",         // Fedora, RHEL
    "/usr/lib64/softhsm/libsofthsm2.so",        // openSUSE, Gentoo
    "/usr/lib/pkcs11/libsofthsm2.so",           // Arch, 32-bit Fedora
    "/opt/homebrew/lib/softhsm/libsofthsm2.so", // Homebrew on Apple silicon
    "/usr/local/lib/softhsm/libsofthsm2.so",    // Homebrew on Intel, FreeBSD, built from source
    "/home/linuxbrew/.linuxbrew/lib/softhsm/libsofthsm2.so",
};

[[nodiscard]] bool is_file(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored);
}

[[nodiscard]] std::optional<std::filesystem::path> module_from_environment() {
    const char* value = std::getenv(module_variable);
    if (value == nullptr || *value == '\0') {
        return std::nullopt;
    }
    return value;
}

} // namespace

std::optional<std::filesystem::path> find_softhsm() {
    if (auto wanted = module_from_environment()) {
        return is_file(*wanted) ? wanted : std::nullopt;
    }
    for (const char* place : usual_places) {
        if (is_file(place)) {
            return place;
        }
    }
    return std::nullopt;
}

std::optional<std::string> softhsm_absence_reason() {
    if (find_softhsm()) {
        return std::nullopt;
    }
    if (const auto wanted = module_from_environment()) {
        return "SOFTHSM2_MODULE names \"" + wanted->string() + "\", which is not a file";
    }
    return "SoftHSM 2 is not in any of the " + std::to_string(usual_places.size()) +
           " usual places; install softhsm2, or set SOFTHSM2_MODULE to the path of libsofthsm2.so";
}

} // namespace softhsm_fixtures
