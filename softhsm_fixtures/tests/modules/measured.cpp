// SPDX-License-Identifier: BSD-2-Clause
#include "measured.hpp"

#include "support.hpp"

#include <softhsm_fixtures/test_token.hpp>

#include <memory>
#include <sstream>
#include <stdexcept>

namespace measured {

namespace {

using softhsm_fixtures::TestToken;

/// What leaves the token such that nothing else can be measured on it.
const std::set<std::string> needs_own_token = {
    "init-token", "reinit-token", "several-tokens", "set-pin", "reset-user-pin", "user-pin-lockout", "slot-number-changes",
};

[[nodiscard]] std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char character : text) {
        result += character == '\'' ? std::string("'\\''") : std::string(1, character);
    }
    return result + "'";
}

[[nodiscard]] std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

[[nodiscard]] Answer ask(const TestToken& token, const std::string& what, const std::string& name) {
    std::string command;
    for (const auto& [variable, value] : token.environment()) {
        command += variable + "=" + quoted(value) + " ";
    }
    for (const std::string& argument :
         {std::string(MODULE_PROBE), token.module_path().string(), token.init_arguments(), token.details().label,
          token.details().user_pin_file.string(), token.details().so_pin_file.string(),
          token.directory().string(), what, name}) {
        command += quoted(argument) + " ";
    }
    // What modules print of their own accord is not the answer.
    const auto log = token.directory() / "probe.log";
    const auto done = support::run(command + "2>" + quoted(log.string()));
    if (done.output == "yes\n") {
        return {.yes = true, .reason = {}};
    }
    if (done.status == 0 && done.output.starts_with("no ")) {
        return {.yes = false, .reason = first_line(done.output.substr(3))};
    }
    if (done.status == 2) {
        throw std::runtime_error("the probe cannot be asked for " + what + " \"" + name +
                                 "\": " + support::content_of(log));
    }
    return {.yes = false, .reason = "the process ended with status " + std::to_string(done.status)};
}

/// Gives out one token for all measurements that leave it as it was, and others for the rest.
class Tokens {
public:
    explicit Tokens(const softhsm_fixtures::ModuleInfo& module) : module_(module) {}

    [[nodiscard]] Answer ask(const std::string& what, const std::string& name) {
        if (needs_own_token.contains(name)) {
            return measured::ask(*make_test_token(module_), what, name);
        }
        if (!shared_) {
            shared_ = make_test_token(module_);
        }
        return measured::ask(*shared_, what, name);
    }

private:
    const softhsm_fixtures::ModuleInfo& module_;
    std::unique_ptr<TestToken> shared_;
};

constexpr const char* same_serial = "same-serial";

/// Which takes two tokens.
[[nodiscard]] Answer have_same_serial(const softhsm_fixtures::ModuleInfo& module) {
    const auto one = make_test_token(module);
    const auto other = make_test_token(module);
    const bool same = one->details().serial == other->details().serial;
    return {.yes = same, .reason = same ? "" : "two tokens have serials of their own"};
}

} // namespace

Measurable measurable() {
    Measurable all;
    std::istringstream lines(support::run(quoted(MODULE_PROBE) + " list").output);
    for (std::string what, name; lines >> what >> name;) {
        (what == "quirk" ? all.quirks : all.capabilities).insert(name);
    }
    all.quirks.insert(same_serial);
    return all;
}

Answers measure(const softhsm_fixtures::ModuleInfo& module) {
    Answers answers;
    Tokens tokens(module);
    const Measurable all = measurable();
    for (const auto& name : all.capabilities) {
        answers.capabilities[name] = tokens.ask("capability", name);
    }
    for (const auto& name : all.quirks) {
        answers.quirks[name] = name == same_serial ? have_same_serial(module) : tokens.ask("quirk", name);
    }
    return answers;
}

} // namespace measured
