#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs every command of a guide, as it stands there, in a new folder.

usage: run_guide.py KEYWAY GUIDE.md
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile


def main():
    keyway, guide = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    script = "set -e\n" + "\n".join(re.findall(r"```sh\n(.*?)```", guide.read_text(encoding="utf-8"), re.S))
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, PATH=f"{keyway.parent}:{os.environ['PATH']}")
        for name in ("KEYWAY_CONFIG", "SOFTHSM2_CONF"):
            environment.pop(name, None)
        done = subprocess.run(["sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
    print(done.stdout)
    print(done.stderr, file=sys.stderr)
    return done.returncode


sys.exit(main())
