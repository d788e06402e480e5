#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests `softhsm-fixture run` and `shell` on a terminal: Ctrl-C, job control, prompts."""
import errno
import fcntl
import os
import pty
import select
import shutil
import signal
import sys
import time

import harness
from harness import need, wait_until


class Terminal:
    """A program on a terminal of its own, as whoever sits there sees it."""

    def __init__(self, place, *arguments, **variables):
        self.seen = ""
        self.process, self.master = pty.fork()
        if self.process == 0:
            try:
                os.chdir(place.folder)
                # A dumb terminal is asked nothing and answers nothing.
                os.execve(shutil.which(str(arguments[0])), [str(word) for word in arguments],
                          dict(place.environment, TERM="dumb", **variables))
            finally:
                os._exit(127)
        fcntl.fcntl(self.master, fcntl.F_SETFL, os.O_NONBLOCK)

    def read(self, seconds=0.05):
        if select.select([self.master], [], [], seconds)[0]:
            try:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
            except OSError as error:
                if error.errno != errno.EIO:
                    raise

    def wait_for(self, text, seconds=20):
        """Waits until the text was printed, and forgets all up to its end."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} was not printed: {self.seen!r}"
            self.read()
        before, self.seen = self.seen.split(text, 1)
        return before

    def type(self, text):
        os.write(self.master, text.encode())

    def leave(self, seconds=20):
        """Leaves a shell. What is typed between two prompts may be lost to the shell's change of modes: said again."""
        for _ in range(seconds):
            self.type("exit\n")
            try:
                return self.end(1, kill=False)
            except AssertionError:
                continue
        return self.end(0)

    def end(self, seconds=20, kill=True):
        """How the program ended, as waitpid tells it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.01)
            process, status = os.waitpid(self.process, os.WNOHANG)
            if process:
                os.close(self.master)
                return status
        if kill:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        raise AssertionError(f"did not end: {self.seen!r}")


def test_interrupt_key_ends_both_and_all_is_removed(place):
    terminal = Terminal(place, harness.COMMAND, "run", "--", "sh", "-c", "echo ready; exec sleep 60")
    terminal.wait_for("ready")
    terminal.type("\x03")
    status = terminal.end()
    # By the signal itself, so that a shell's loop ends as well.
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, status


def test_interrupt_key_comes_once(place):
    script = ("import signal, time\ncount = 0\ndef handle(*_):\n    global count\n    count += 1\n"
              "signal.signal(signal.SIGINT, handle)\nprint('ready', flush=True)\nend = time.monotonic() + 0.6\n"
              "while time.monotonic() < end: time.sleep(0.05)\nprint('count', count)")
    terminal = Terminal(place, harness.COMMAND, "run", "--", sys.executable, "-c", script)
    terminal.wait_for("ready")
    terminal.type("\x03")
    terminal.wait_for("count 1")
    assert os.waitstatus_to_exitcode(terminal.end()) == 0


def test_command_reads_from_the_terminal(place):
    terminal = Terminal(place, harness.COMMAND, "run", "--", "sh", "-c", "read line; echo got $line")
    terminal.type("word\n")
    terminal.wait_for("got word")
    assert os.waitstatus_to_exitcode(terminal.end()) == 0


def test_stop_and_go_on_under_a_shell(place):
    need("bash")
    shell = Terminal(place, "bash", "--norc", "-i", PS1="prompt> ")
    shell.wait_for("prompt> ")
    shell.type(f"{harness.COMMAND} run -- sh -c 'echo rea''dy; sleep 0.3; read x; echo g''ot $x'\n")
    shell.wait_for("ready")
    shell.type("\x1a")
    shell.wait_for("Stopped")
    shell.wait_for("prompt> ")
    shell.type("fg\n")
    shell.wait_for("sh -c")
    shell.type("again\n")
    shell.wait_for("got again")
    shell.wait_for("prompt> ")
    shell.leave()


def test_interrupt_key_ends_a_loop_of_a_shell(place):
    need("bash")
    script = f"for i in 1 2 3; do {harness.COMMAND} run -- sh -c 'echo round '$i'; exec sleep 60'; done; echo over"
    terminal = Terminal(place, "bash", "-c", script)
    terminal.wait_for("round 1")
    terminal.type("\x03")
    terminal.end()
    assert "round 2" not in terminal.seen, terminal.seen


def test_background_job_is_not_interrupted(place):
    need("bash")
    shell = Terminal(place, "bash", "--norc", "-i", PS1="prompt> ")
    shell.wait_for("prompt> ")
    shell.type(f"{harness.COMMAND} run -- sh -c 'sleep 0.5; echo fin''ished' &\n")
    shell.wait_for("prompt> ")
    shell.type("\x03")
    shell.wait_for("finished")
    shell.leave()
    wait_until(lambda: place.left() == [], "removed")


def test_terminal_that_goes_away(place):
    terminal = Terminal(place, harness.COMMAND, "run", "--", "sh", "-c", "echo ready; exec sleep 60")
    terminal.wait_for("ready")
    os.close(terminal.master)
    begun = time.monotonic()
    os.waitpid(terminal.process, 0)
    assert time.monotonic() - begun < 20


def in_shell(place, shell, prompt, **variables):
    need(shell)
    terminal = Terminal(place, harness.COMMAND, "shell", "--token", "my token", SHELL=shutil.which(shell), **variables)
    note = terminal.wait_for("Leave with")
    assert '"my token"' in note and "PKCS11_TOKEN_URI" in note, note
    terminal.wait_for(prompt)
    terminal.type("echo label=$PKCS11_TOKEN_LABEL\n")
    terminal.wait_for("label=my token")
    terminal.wait_for(prompt)
    terminal.type("exit 3\n")
    assert os.waitstatus_to_exitcode(terminal.end()) == 3
    return terminal


def test_shell_bash(place):
    place.file(".bashrc", "PS1='own> '\n")
    in_shell(place, "bash", "(softhsm my_token) own> ")


def test_shell_sh(place):
    in_shell(place, "dash", "(softhsm my_token) $ ")


def test_shell_zsh(place):
    place.file(".zshrc", "PS1='own> '\n")
    in_shell(place, "zsh", "(softhsm my_token) own> ")


def test_shell_fish(place):
    place.environment["XDG_RUNTIME_DIR"] = str(place.folder)
    in_shell(place, "fish", "(softhsm my_token) ")






def test_shell_without_a_terminal_takes_commands(place):
    place.environment["SHELL"] = shutil.which("sh")
    done = place.file("commands", 'echo "$PKCS11_TOKEN_COUNT"; exit 4\n')
    with done.open(encoding="utf-8") as commands:
        assert place.run("shell", stdin=commands, status=4).stdout == "1\n"


def test_no_shell(place):
    place.environment["SHELL"] = "/no/such/shell"
    assert "/no/such/shell" in place.run("shell", status=127).stderr


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
