// SPDX-License-Identifier: BSD-2-Clause
#include "fixture.hpp"

#include "failure.hpp"
#include "files.hpp"
#include "folders.hpp"
#include "openssl_config.hpp"
#include "p11_kit_config.hpp"
#include "places.hpp"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace softhsm_fixtures::command {

namespace {

/// The tokens that were asked for, with their content read.
[[nodiscard]] std::vector<TokenOptions> wanted_tokens(const FixtureRequest& request) {
    std::vector<TokenOptions> wanted;
    for (const auto& label : request.labels) {
        wanted.push_back({.label = label});
    }
    if (wanted.empty()) {
        wanted.emplace_back();
    }
    if (request.contents.size() > 1 && request.contents.size() != wanted.size()) {
        throw Failure(Status::failed, std::to_string(request.contents.size()) + " files with content for " +
                                          std::to_string(wanted.size()) +
                                          " tokens: give --content once for all, or once for each --token");
    }
    for (std::size_t i = 0; i < wanted.size() && !request.contents.empty(); ++i) {
        wanted[i].content = TokenContent::read(request.contents.size() == 1 ? request.contents.front() : request.contents[i]);
    }
    for (auto& token : wanted) {
        token.fresh_pins = request.fresh_pins;
        check_options(token);
    }
    return wanted;
}

/// Refuses what cannot be had of a module anywhere, before it is looked for here.
void check_module(const FixtureRequest& request, const ModuleInfo& module) {
    check_token_count(module, std::max<std::size_t>(request.labels.size(), 1));
    if (request.outlives && module.name() == "tpm2-pkcs11") {
        throw Failure(Status::failed, "a token of \"tpm2-pkcs11\" lives as long as its TPM emulator, which ends with "
                                      "softhsm-fixture; use `run` or `shell`");
    }
    for (const auto& need : request.needs) {
        static_cast<void>(module.has(need)); // which knows the names
    }
}

/// The module that was asked for by name or by what it has to do.
[[nodiscard]] const ModuleInfo& chosen_module(const FixtureRequest& request) {
    if (!request.module && !request.needs.empty()) {
        const Choice choice = choose_module(request.needs);
        if (choice.module == nullptr) {
            throw Failure(request.skip_status, "no module here has all that is needed:\n" + choice.reason);
        }
        check_module(request, *choice.module);
        return *choice.module;
    }
    const ModuleInfo& module = require_module(request.module.value_or("softhsm2"));
    check_module(request, module);
    if (const auto reason = module.absence_reason()) {
        throw Failure(request.skip_status, *reason);
    }
    for (const auto& need : request.needs) {
        if (!module.has(need) || !module.has(need, module.installed_version())) {
            throw Failure(request.skip_status, "the module \"" + module.name() + "\" here lacks " + need);
        }
    }
    return module;
}

/// For Java's SunPKCS11 provider, which knows tokens by slot only.
[[nodiscard]] std::string java_config(const std::filesystem::path& module, const std::string& slot) {
    return "name = fixture\nlibrary = " + module.string() + "\nslot = " + slot + "\n";
}

/// The name of the module file, so that p11-kit replaces the one of the machine's own and does not show the token twice.
[[nodiscard]] std::string p11_kit_name(const ModuleInfo& module) {
    if (module.name() == "softhsm2") {
        return "softhsm2";
    }
    return module.name() == "tpm2-pkcs11" ? "tpm2_pkcs11" : module.name();
}

} // namespace

Fixture::Fixture(const FixtureRequest& request) : request_(request) {
    check_faults(request.faults);
    wanted_ = wanted_tokens(request);
    const HelperPointer helper; // to learn the version, a module is asked
    module_ = &chosen_module(request);
    if (request.faults.asks_for_module()) {
        loaded_ = fault_module();
    }
}

void Fixture::fill(const FolderMade& folder_made) {
    const HelperPointer helper;
    tokens_ = make_token_set(*module_, wanted_, folder_made);
    say("folder \"" + directory().string() + '"');
    for (const auto& token : tokens()) {
        say("token \"" + token.label + "\", serial " + token.serial);
    }
    set_module_variables();
    set_token_variables();
    set_tool_variables();
    write_private_file(directory() / "environment.sh", variables_.in(Format::sh));
    write_record();
}

void Fixture::set_module_variables() {
    // A program that does not know of them cannot hand initialisation arguments over; the fault module does.
    if (loaded_.empty()) {
        loaded_ = tokens_->init_arguments().empty() ? tokens_->module_path() : fault_module();
    }
    variables_.set("PKCS11_MODULE", loaded_.string());
    if (loaded_ != tokens_->module_path()) {
        set_fault_variables(variables_, request_.faults, {tokens_->module_path(), tokens_->init_arguments()}, directory());
        say("fault module \"" + loaded_.string() + "\" in front of \"" + tokens_->module_path().string() + '"');
    }
    for (const auto& [name, value] : tokens_->environment()) {
        variables_.set(name, value);
    }
}

void Fixture::set_token_variables() {
    const auto set_all = [this](const TokenDetails& token, const std::string& suffix) {
        variables_.set("PKCS11_TOKEN_URI" + suffix, token.uri());
        variables_.set("PKCS11_TOKEN_LABEL" + suffix, token.label);
        variables_.set("PKCS11_TOKEN_SERIAL" + suffix, token.serial);
        variables_.set("PKCS11_TOKEN_SLOT" + suffix, tokens_->slot_of(token));
        variables_.set("PKCS11_PIN" + suffix, token.user_pin);
        variables_.set("PKCS11_PIN_FILE" + suffix, token.user_pin_file.string());
        variables_.set("PKCS11_SO_PIN" + suffix, token.so_pin);
        variables_.set("PKCS11_SO_PIN_FILE" + suffix, token.so_pin_file.string());
    };
    set_all(tokens().front(), "");
    variables_.set("PKCS11_TOKEN_COUNT", std::to_string(tokens().size()));
    std::size_t number = 0;
    for (const auto& token : tokens()) {
        set_all(token, '_' + std::to_string(++number));
    }
}

void Fixture::set_tool_variables() {
    const auto& first = tokens().front();
    variables_.set("SOFTHSM_FIXTURE_DIRECTORY", directory().string());
    variables_.set("GNUTLS_PIN", first.user_pin);
    variables_.set("GNUTLS_SO_PIN", first.so_pin);
    if (!request_.leave_openssl) {
        const auto config = openssl_config({.module = loaded_, .pin_file = first.user_pin_file, .pin = first.user_pin});
        const auto file = directory() / "openssl.cnf";
        write_private_file(file, config.text);
        variables_.set("OPENSSL_CONF", file.string());
        say("OpenSSL by " + config.way);
    }
    if (!request_.leave_p11_kit) {
        set_p11_kit_variable();
    }
    const auto java = directory() / "java.cfg";
    write_private_file(java, java_config(loaded_, tokens_->slot_of(first)));
    variables_.set("PKCS11_JAVA_CONFIG", java.string());
}

void Fixture::set_p11_kit_variable() {
    const auto folder = directory() / "config";
    P11KitRequest request{.name = p11_kit_name(*module_), .module = loaded_, .init_arguments = {}};
    if (!request_.faults.asks_for_module() && !tokens_->init_arguments().empty()) {
        request.module = tokens_->module_path();
        request.init_arguments = tokens_->init_arguments();
    }
    make_p11_kit_config(folder, request);
    variables_.set("XDG_CONFIG_HOME", folder.string());
    say("p11-kit by \"" + folder.string() + '"' +
        (::geteuid() == 0 ? ", which it ignores when root runs it; p11tool --provider \"$PKCS11_MODULE\" does not" : ""));
}

void Fixture::write_record() const {
    FolderRecord record = request_.outlives ? FolderRecord() : record_of_this_process();
    if (may_stay_) {
        record.process_space.clear();
    }
    record.module = tokens_->module_path();
    for (const auto& token : tokens()) {
        record.tokens.push_back({token.label, token.serial});
    }
    write_folder_record(directory(), record);
}

void Fixture::say(const std::string& text) const {
    if (request_.verbose) {
        std::fprintf(stderr, "softhsm-fixture: %s\n", text.c_str());
    }
}

} // namespace softhsm_fixtures::command
