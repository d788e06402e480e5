#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs every block of a guide as it stands there, in one new folder, with an installed copy of the kit.

usage: guide_test.py GUIDE.md BUILD_ROOT

A block of another language than sh is a file, whose name is in the comment of its first line. One of sh is run with `sh -e`;
with `# not run here` in it, it is only checked to be shell. `# needs: ...` says without what it is left out.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import installation

FILE_NAME = re.compile(r"\s*(?:#|//|/\*)\s*([\w./-]+\.\w+|CMakeLists\.txt|meson\.build)\b")


def run(arguments, **more):
    return subprocess.run(arguments, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=600, **more)


class Reader:
    """Somebody who does what the guide says."""

    def __init__(self, folder, environment):
        self.folder = folder
        self.environment = environment
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def report(self, block, outcome, detail=""):
        self.counts[outcome] += 1
        number, text = block
        print(f"line {number}: {next(filter(None, text.splitlines()))[:80]}: {outcome}{': ' + detail if detail else ''}", flush=True)

    def missing(self, text):
        """What a block needs and this machine lacks."""
        needs = re.search(r"^# needs: (.*)$", text, re.M)
        for need in needs[1].split(", ") if needs else []:
            kind, _, name = need.rpartition(":")
            if not self.has(kind, name):
                return need
        return None

    def has(self, kind, name):
        if kind == "python3":
            return run(["python3", "-c", f"import {name}"], env=self.environment).returncode == 0
        if kind == "pkg-config":
            return run(["pkg-config", "--exists", name], env=self.environment).returncode == 0
        if kind == "go":
            # As Debian packages them.
            return pathlib.Path("/usr/share/gocode/src", name).is_dir()
        if name == "pkcs11-provider":
            return any(pathlib.Path("/usr").glob("lib*/**/ossl-modules/pkcs11.so"))
        return shutil.which(name, path=self.environment["PATH"]) is not None

    def shell(self, block):
        text = block[1]
        if "# not run here" in text:
            done = run(["sh", "-n", "-c", text])
            self.report(block, "passed" if done.returncode == 0 else "failed", "checked to be shell" + done.stderr)
            return
        if lacking := self.missing(text):
            checked = run(["sh", "-n", "-c", text]).returncode == 0
            self.report(block, "skipped" if checked else "failed", f"{lacking} is not installed; checked to be shell")
            return
        done = run(["sh", "-e", "-c", text], cwd=self.folder, env=self.environment)
        self.report(block, "failed" if done.returncode else "passed",
                    f"status {done.returncode}\n{done.stdout}{done.stderr}" if done.returncode else "")

    def file(self, block):
        name = FILE_NAME.match(block[1])
        if not name:
            self.report(block, "failed", "it is a file without a name in its first line")
            return
        path = self.folder / name[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block[1], encoding="utf-8")
        if path.suffix == ".yml":
            self.job(block)

    def job(self, block):
        """A job that cannot be run here: it has to be YAML, and what it runs shell."""
        try:
            import yaml  # pylint: disable=import-outside-toplevel
        except ImportError:
            self.report(block, "skipped", "Python's yaml is not installed")
            return
        steps = [step for job in yaml.safe_load(block[1])["jobs"].values() for step in job["steps"]]
        scripts = [re.sub(r"\$\{\{.*?\}\}", "value", step["run"]) for step in steps if "run" in step]
        wrong = [done.stderr for done in (run(["sh", "-n", "-c", script]) for script in scripts) if done.returncode]
        self.report(block, "failed" if wrong or not scripts else "passed", f"{len(scripts)} scripts checked {wrong or ''}")


def blocks_of(guide):
    """Line, language and text of each block."""
    text = guide.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.S | re.M):
        yield match[1], (text.count("\n", 0, match.start()) + 1, match[2])


def main():
    guide, build = map(pathlib.Path, sys.argv[1:3])
    with tempfile.TemporaryDirectory(prefix="guide-test-") as temporary:
        place = installation.resolved(temporary)
        prefix = installation.install(build, place / "root")
        plain = {name: value for name, value in os.environ.items() if not re.match("SOFTHSM|PKCS11|OPENSSL_CONF|XDG_", name)}
        for name in ("reader", "tmp"):
            (place / name).mkdir()
        # Go finds the packages of Debian where they are, without the network.
        plain.update(HOME=str(place), TMPDIR=str(place / "tmp"), GO111MODULE="off", GOPATH="/usr/share/gocode",
                     GOFLAGS="", GOCACHE=str(place / "go-cache"))
        reader = Reader(place / "reader", installation.environment(prefix, plain))
        for language, block in blocks_of(guide):
            if language == "sh":
                reader.shell(block)
            elif language:
                reader.file(block)
            else:
                reader.report(block, "failed", "a block without a language")
        left = [path.name for path in (place / "tmp").iterdir() if path.name.startswith("softhsm")]
        if left:
            reader.report((0, "all of it"), "failed", f"left behind: {left}")
    counts = reader.counts
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
