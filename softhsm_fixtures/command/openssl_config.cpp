// SPDX-License-Identifier: BSD-2-Clause
#include "openssl_config.hpp"

#include "places.hpp"
#include "text.hpp"

#include <cstdlib>
#include <fstream>
#include <optional>
#include <regex>
#include <unistd.h>

namespace softhsm_fixtures::command {

namespace {

namespace fs = std::filesystem;

/// The configuration OpenSSL would read otherwise.
[[nodiscard]] std::optional<fs::path> usual_config() {
    if (const char* value = std::getenv("OPENSSL_CONF"); value != nullptr) {
        // Set to nothing it means none.
        return *value != '\0' && ::access(value, R_OK) == 0 ? std::optional(fs::absolute(value)) : std::nullopt;
    }
    for (const char* place : {"/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/opt/homebrew/etc/openssl@3/openssl.cnf",
                              "/usr/local/etc/openssl@3/openssl.cnf", "/usr/local/ssl/openssl.cnf"}) {
        if (::access(place, R_OK) == 0) {
            return place;
        }
    }
    return std::nullopt;
}

/// The section in which a configuration says what to do when OpenSSL starts; the name that systems use without one.
[[nodiscard]] std::string start_section(const std::optional<fs::path>& config) {
    static const std::regex line("^\\s*openssl_conf\\s*=\\s*([A-Za-z0-9_.-]+)\\s*(#.*)?$");
    std::string section = "openssl_init";
    if (config) {
        std::ifstream file(*config);
        std::smatch match;
        for (std::string text; std::getline(file, text);) {
            if (std::regex_match(text, match, line)) {
                section = match[1];
            }
        }
    }
    return section;
}

} // namespace

OpensslConfig openssl_config(const OpensslRequest& request) {
    const auto usual = usual_config();
    const std::string start = start_section(usual);
    OpensslConfig config;
    if (usual) {
        config.text += ".include = " + escaped_for_openssl(usual->string()) + "\n\n";
    }
    // A later line wins over an earlier one of the same section, and sections of the same name are one.
    config.text += "[default]\nopenssl_conf = " + start + "\n\n[" + start + "]\n";
    if (const auto provider = find_openssl_module("ossl-modules", {"pkcs11.so", "pkcs11.dylib"})) {
        config.way = "provider \"" + provider->string() + '"';
        config.text += "providers = softhsm_fixture_providers\n\n"
                       "[softhsm_fixture_providers]\n"
                       "default = softhsm_fixture_default\n"
                       "pkcs11 = softhsm_fixture_pkcs11\n\n"
                       "[softhsm_fixture_default]\nactivate = 1\n\n"
                       "[softhsm_fixture_pkcs11]\n"
                       "module = " + escaped_for_openssl(provider->string()) + "\n" +
                       "pkcs11-module-path = " + escaped_for_openssl(request.module.string()) + "\n" +
                       "pkcs11-module-token-pin = file:" + escaped_for_openssl(request.pin_file.string()) + "\n" +
                       // SoftHSM crashes when it is called while the process exits, and has no operation state.
                       "pkcs11-module-quirks = no-deinit no-operation-state\n"
                       "activate = 1\n";
        return config;
    }
    if (const auto engine = find_openssl_module("engines-3", {"pkcs11.so", "libpkcs11.so", "pkcs11.dylib"})) {
        config.way = "engine \"" + engine->string() + '"';
        config.text += "engines = softhsm_fixture_engines\n\n"
                       "[softhsm_fixture_engines]\npkcs11 = softhsm_fixture_pkcs11\n\n"
                       "[softhsm_fixture_pkcs11]\n"
                       "engine_id = pkcs11\n"
                       "dynamic_path = " + escaped_for_openssl(engine->string()) + "\n" +
                       "MODULE_PATH = " + escaped_for_openssl(request.module.string()) + "\n" +
                       "PIN = " + escaped_for_openssl(request.pin) + "\n" +
                       "init = 0\n";
        return config;
    }
    config.way = "nothing: neither pkcs11-provider nor libp11's engine is installed, so OpenSSL does not see the token";
    return config;
}

} // namespace softhsm_fixtures::command
