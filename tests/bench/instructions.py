# SPDX-License-Identifier: BSD-2-Clause
"""Instructions in user space for each signature, counted by callgrind.

Wall time drifts by some percent; instructions do not. Two runs of different lengths are subtracted, so that starting,
opening the key and verifying its first signature cancel. What the caller costs is counted on the module that replays
signatures, where nothing is random; what a signature costs, on the token, where RSA blinding and ECDSA nonces make the
count vary by more than a wrapper costs.
"""
import pathlib
import re
import shutil
import subprocess
import tempfile

from scenarios import FEW_KEYS
from workers import Absent, Failed, Token

WAYS = ["raw", "raw-hashing", "keyway", "keyway-new"]
KINDS = ["p-256", "rsa-2048", "rsa-2048-pss", "ed25519"]


def collected(bench, environment, way, kind, times):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=keyway::bench::sign_times*",
                               f"--callgrind-out-file={pathlib.Path(folder) / 'out'}", bench.tools.worker, "count", way,
                               kind, str(times)], env=environment, capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or found is None:
        raise Failed(f"valgrind {way} {kind}: {done.stderr[-500:]}")
    return int(found.group(1))


def per_signature(bench, environment, way, kind, lengths):
    few, many = (collected(bench, environment, way, kind, times) for times in lengths)
    return (many - few) / (lengths[1] - lengths[0])


def instructions(bench):
    if shutil.which("valgrind") is None:
        raise Absent("valgrind is not installed")
    out = []
    with Token(bench.tools, FEW_KEYS) as token:
        replaying = token.replaying(0)
        for kind in KINDS:
            bench.say(f"counting instructions, {kind}")
            real_lengths = bench.plan.count_rsa if kind.startswith("rsa") else bench.plan.count_ec
            real = per_signature(bench, token.environment, "raw", kind, real_lengths)
            caller = {way: per_signature(bench, replaying, way, kind, bench.plan.count_replay) for way in WAYS}
            out.append({"kind": kind, "token": real, "caller": caller,
                        "percent": {way: 100 * (caller[way] - caller["raw"]) / real for way in WAYS[1:]}})
    return out
