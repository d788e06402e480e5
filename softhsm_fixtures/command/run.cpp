// SPDX-License-Identifier: BSD-2-Clause
#include "run.hpp"

#include "child.hpp"
#include "failure.hpp"
#include "folders.hpp"
#include "guardian.hpp"
#include "shell.hpp"
#include "signals.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>

namespace softhsm_fixtures::command {

namespace {

enum class Keep { never, on_failure, always };

[[nodiscard]] Keep keep_of(const RunRequest& request) {
    const char* value = std::getenv("SOFTHSM_FIXTURES_KEEP");
    if (request.keep || (value != nullptr && *value != '\0')) {
        return Keep::always;
    }
    return request.keep_on_failure ? Keep::on_failure : Keep::never;
}

/// Makes the tokens. When a signal came meanwhile, that is what ended it, whatever else went wrong.
[[nodiscard]] std::optional<Ending> fill(Fixture& fixture, const FolderMade& folder_made) {
    try {
        fixture.fill(folder_made);
    } catch (const std::exception&) {
        if (!signal_is_waiting()) {
            throw;
        }
    }
    if (const auto signal = take_signal()) {
        return Ending{Status::signalled + signal->number, signal->number, signal->from_terminal};
    }
    return std::nullopt;
}

void keep(Fixture& fixture) {
    fixture.keep();
    mark_as_kept(fixture.directory());
    std::fprintf(stderr, "softhsm-fixture: the folder stays; to have its environment: . %s\n",
                 (fixture.directory() / "environment.sh").c_str());
}

[[nodiscard]] int run_in_fixture(const FixtureRequest& request, Keep keep_when,
                                 const std::function<ChildRequest(const Fixture&)>& child) {
    note_signals();
    remove_what_was_killed();
    Ending ending;
    {
        // Ends after the fixture: it is there for the case that the fixture does not end.
        std::optional<Guardian> guardian;
        Fixture fixture(request);
        if (keep_when != Keep::never) {
            fixture.may_stay();
        }
        const auto guard = [&](const std::filesystem::path& folder) {
            if (keep_when == Keep::never) {
                guardian.emplace(folder);
            }
        };
        if (const auto early = fill(fixture, guard)) {
            ending = *early;
        } else {
            ending = run_child(child(fixture));
            // What is left is to clean up, which must not end because nobody reads what it says.
            std::signal(SIGPIPE, SIG_IGN);
            const bool failed = ending.status != 0 && ending.status != request.skip_status;
            if (keep_when == Keep::always || (keep_when == Keep::on_failure && failed)) {
                keep(fixture);
            }
        }
    }
    if (ending.interrupted_at_terminal) {
        // A shell ends its loop only when it sees that the signal was what ended the command.
        die_of(ending.signal);
    }
    return ending.status;
}

} // namespace

int run(const RunRequest& request) {
    // Before anything is made.
    const auto program = find_program(request.command.front());
    return run_in_fixture(request.fixture, keep_of(request), [&](const Fixture& fixture) {
        return ChildRequest{.program = program,
                            .arguments = request.command,
                            .environment = fixture.variables().environment()};
    });
}

int shell(const FixtureRequest& request) {
    const auto program = find_shell();
    return run_in_fixture(request, keep_of({}),
                          [&](const Fixture& fixture) { return shell_request(program, fixture); });
}

void print_environment(const FixtureRequest& request, Format format) {
    // Never destroyed: the folder is for others from here on.
    static Fixture* left = nullptr;
    note_signals();
    auto staying = request;
    staying.outlives = true;
    auto fixture = std::make_unique<Fixture>(staying);
    if (const auto early = fill(*fixture, [](const auto& /*folder*/) {})) {
        fixture.reset();
        die_of(early->signal);
    }
    std::fputs(fixture->variables().in(format).c_str(), stdout);
    if (std::fflush(stdout) != 0) {
        throw Failure(Status::failed, "cannot write the environment");
    }
    left = fixture.release();
    static_cast<void>(left);
}

} // namespace softhsm_fixtures::command
