#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Processes that make a token, use it and remove it, 64 at once, round after round.

usage: many_test.py WORKER ROUNDS

Each round's processes have to succeed with tokens of their own, and to leave nothing. Fails at the first that does not.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

AT_ONCE = 64


def main():
    worker, rounds = sys.argv[1], int(sys.argv[2])
    begin = time.monotonic()
    for number in range(1, rounds + 1):
        place = tempfile.mkdtemp(prefix="many-test-")
        environment = {**os.environ, "TMPDIR": place}
        environment.pop("SOFTHSM_FIXTURES_KEEP", None)
        running = [subprocess.Popen([worker], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                   for _ in range(AT_ONCE)]
        ended = [(*process.communicate(timeout=120), process.returncode) for process in running]
        for output, errors, status in ended:
            # A machine without SoftHSM shows in the first round.
            if status != 0 and "SoftHSM" in errors and "not" in errors and number == 1 and shutil.which("softhsm2-util") is None:
                print(f"skipped: {errors.strip()}")
                return 77
            assert status == 0, f"round {number}: status {status}: {output}{errors}"
        serials = {output for output, _, _ in ended}
        assert len(serials) == AT_ONCE, f"round {number}: two of the tokens have one serial"
        left = os.listdir(place)
        assert not left, f"round {number}: left behind: {left}"
        os.rmdir(place)
    print(f"{rounds} rounds of {AT_ONCE} processes with a token each: {time.monotonic() - begin:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
