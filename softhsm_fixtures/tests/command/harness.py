# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the command share: a place of its own for each test, and a line of numbers at the end.

A test is a function `test_...(place)`. It asserts; it raises Skip with a reason where something is not installed.
"""
import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback

COMMAND = pathlib.Path(os.environ.get("SOFTHSM_FIXTURE_COMMAND", "softhsm-fixture"))
OWN_VARIABLES = re.compile("SOFTHSM|PKCS11|GNUTLS|OPENSSL_CONF|XDG_CONFIG_HOME|TMPDIR")


class Skip(Exception):
    """Says why a test cannot run here."""


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")


def need_file(*patterns):
    """The first file that one of the patterns leads to."""
    for pattern in patterns:
        for found in sorted(pathlib.Path("/").glob(pattern.lstrip("/"))):
            return found
    raise Skip(f"{patterns[0]} is not installed")


def need_plain_build():
    """A sanitized fault module cannot be loaded by a program that is not sanitized."""
    if os.environ.get("SOFTHSM_FIXTURES_SANITIZE", "none") != "none":
        raise Skip("the fault module is sanitized, the program is not")


class Place:
    """An empty folder, and an environment in which TMPDIR is a folder in it and nothing of a fixture is set."""

    def __init__(self, folder):
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        keep = {"SOFTHSM_FIXTURES_INIT", "SOFTHSM_FIXTURES_FAULT_MODULE", "SOFTHSM_FIXTURE_COMMAND"}
        self.environment = {name: value for name, value in os.environ.items()
                            if name in keep or not OWN_VARIABLES.match(name)}
        self.environment["TMPDIR"] = str(self.temporary)
        # What is not asked for must not come from whoever runs the tests.
        self.environment["HOME"] = str(folder)

    def start(self, *arguments, **more):
        options = {"env": self.environment, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                   "stderr": subprocess.PIPE, "text": True, "cwd": self.folder, **more}
        return subprocess.Popen([str(COMMAND), *map(str, arguments)], **options)

    def as_plain_user(self):
        """What start() needs for a process that is not root's: p11-kit takes no user configuration from root."""
        if os.geteuid() != 0:
            return {}
        nobody = pwd.getpwnam("nobody")
        for path in (self.folder, self.temporary):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        plain = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        try:
            self.run("--version", **plain)
        except (AssertionError, OSError) as error:
            raise Skip(f"run by root, and {nobody.pw_name} cannot reach {COMMAND}") from error
        return plain

    def run(self, *arguments, status=0, timeout=60, **more):
        """Runs softhsm-fixture; it has to end with this status."""
        process = self.start(*arguments, **more)
        output, errors = process.communicate(timeout=timeout)
        assert process.returncode == status, (
            f"softhsm-fixture {' '.join(map(str, arguments))}: status {process.returncode}, not {status}\n{output}{errors}")
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def variables(self, *options):
        """What a command finds in its environment."""
        script = "import json, os; print(json.dumps(dict(os.environ)))"
        return json.loads(self.run("run", *options, "--", sys.executable, "-c", script).stdout)

    def file(self, name, text, executable=False):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        if executable:
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def left(self):
        return sorted(path.name for path in self.temporary.iterdir())


def wait_until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.01)


def main(tests):
    """Runs the functions `test_...`; with arguments, those whose names hold one of them."""
    if shutil.which(COMMAND) is None:
        sys.exit(f"there is no {COMMAND}: set SOFTHSM_FIXTURE_COMMAND to the command to test")
    # A caller may ignore them (nohup, a job in the background), and what is ignored stays so in the programs that are started.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = sys.argv[1:]
    chosen = [(name, test) for name, test in tests.items() if name.startswith("test_") and callable(test)]
    if wanted:
        chosen = [(name, test) for name, test in chosen if any(part in name for part in wanted)]
    passed = failed = skipped = 0
    for name, test in chosen:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="command-test-"))
        begun = time.monotonic()
        try:
            place = Place(folder)
            test(place)
            left = place.left()
            assert not left, f"left behind in TMPDIR: {left}"
            passed += 1
            outcome = "passed"
        except Skip as reason:
            skipped += 1
            outcome = f"skipped: {reason}"
        except Exception:  # pylint: disable=broad-except
            failed += 1
            outcome = "FAILED\n" + traceback.format_exc()
        finally:
            with contextlib.suppress(OSError):
                folder.chmod(0o700)
            shutil.rmtree(folder, ignore_errors=True)
        print(f"{name[5:].replace('_', ' ')}: {outcome} ({time.monotonic() - begun:.2f} s)", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not chosen else 0
