// SPDX-License-Identifier: BSD-2-Clause
#include "shell.hpp"

#include "files.hpp"
#include "text.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

namespace softhsm_fixtures::command {

namespace {

[[nodiscard]] std::string value_of(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

/// The label without what a prompt could take for a command of its own.
[[nodiscard]] std::string hint(const Fixture& fixture) {
    std::string label;
    for (const char character : fixture.tokens().front().label) {
        const bool plain = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
                           (character >= '0' && character <= '9') || character == '-' || character == '_' ||
                           character == '.';
        label.push_back(plain ? character : '_');
    }
    return "(softhsm " + label + ") ";
}

/// A file bash reads instead of ~/.bashrc: that, and then the prompt.
void prepare_bash(ChildRequest& child, const Fixture& fixture) {
    const auto file = fixture.directory() / "bashrc";
    write_private_file(file, "if [ -r ~/.bashrc ]; then . ~/.bashrc; fi\nPS1=" + quoted_for_sh(hint(fixture)) + "\"$PS1\"\n");
    child.arguments.insert(child.arguments.end(), {"--rcfile", file.string()});
}

/// zsh has no option for it, but reads its files from ZDOTDIR.
void prepare_zsh(ChildRequest& child, const Fixture& fixture) {
    const auto folder = fixture.directory() / "zsh";
    ::mkdir(folder.c_str(), 0700);
    const std::string own = value_of("ZDOTDIR").empty() ? value_of("HOME") : value_of("ZDOTDIR");
    for (const char* name : {".zshenv", ".zprofile", ".zshrc"}) {
        std::string text = "if [ -r " + quoted_for_sh(own + '/' + name) + " ]; then . " + quoted_for_sh(own + '/' + name) +
                           "; fi\n";
        if (std::string_view(name) == ".zshrc") {
            text += "ZDOTDIR=" + quoted_for_sh(own) + "\nPS1=" + quoted_for_sh(hint(fixture)) + "\"$PS1\"\n";
        }
        write_private_file(folder / name, text);
    }
    child.environment.push_back("ZDOTDIR=" + folder.string());
}

void prepare_fish(ChildRequest& child, const Fixture& fixture) {
    child.arguments.insert(child.arguments.end(),
                           {"--init-command", "functions -c fish_prompt softhsm_fixture_prompt; function fish_prompt; echo -n " +
                                                  quoted_for_fish(hint(fixture)) + "; softhsm_fixture_prompt; end"});
}

void print_note(const Fixture& fixture) {
    std::fprintf(stderr, "A SoftHSM of your own:\n");
    for (const auto& token : fixture.tokens()) {
        std::fprintf(stderr, "  token \"%s\"  %s\n", token.label.c_str(), token.uri().c_str());
    }
    std::fprintf(stderr, "PKCS11_MODULE, PKCS11_TOKEN_URI and PKCS11_PIN are set; p11-kit and OpenSSL find the token.\n"
                         "Leave with `exit`: all of it is removed then.\n");
}

} // namespace

std::filesystem::path find_shell() {
    const std::string wanted = value_of("SHELL");
    return find_program(wanted.empty() ? "sh" : wanted);
}

ChildRequest shell_request(const std::filesystem::path& shell, const Fixture& fixture) {
    ChildRequest child{.program = shell,
                       .arguments = {shell.filename().string()},
                       .environment = fixture.variables().environment(),
                       .hang_up_for_term = true};
    const std::string name = shell.filename().string();
    if (name == "bash") {
        prepare_bash(child, fixture);
    } else if (name == "zsh") {
        std::erase_if(child.environment, [](const std::string& entry) { return entry.starts_with("ZDOTDIR="); });
        prepare_zsh(child, fixture);
    } else if (name == "fish") {
        prepare_fish(child, fixture);
    } else {
        std::erase_if(child.environment, [](const std::string& entry) { return entry.starts_with("PS1="); });
        child.environment.push_back("PS1=" + hint(fixture) + "$ ");
    }
    if (::isatty(STDIN_FILENO) != 0) {
        print_note(fixture);
    }
    return child;
}

} // namespace softhsm_fixtures::command
