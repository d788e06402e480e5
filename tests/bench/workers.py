# SPDX-License-Identifier: BSD-2-Clause
"""Tokens and the processes that sign with them."""
import json
import os
import pathlib
import subprocess


class Absent(Exception):
    """This build or machine cannot do it: it is left out, with the reason."""


class Failed(Exception):
    """It should have worked."""


class Tools:
    """The programs of the build folder."""

    def __init__(self, folder, fixture):
        self.folder = pathlib.Path(folder).resolve()
        self.fixture = str(fixture)
        self.worker = str(self.folder / "bench-worker")
        self.openssl = self.folder / "bench-openssl"
        self.replay = next((p for p in self.folder.glob("libbench-replay.*") if p.is_file()), None)


class Token:
    """A token of the test kit, with keys in it; removed at the end of `with`."""

    def __init__(self, tools, content):
        self.tools = tools
        self.content = content
        self.variables = None

    def __enter__(self):
        environment = dict(os.environ)
        # SoftHSM opens the files of a key for each signature: in memory, so that no disk is measured.
        if "TMPDIR" not in environment and os.access("/dev/shm", os.W_OK):
            environment["TMPDIR"] = "/dev/shm"
        folder = pathlib.Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
        listing = folder / "content.json"
        listing.write_text(json.dumps(self.content))
        try:
            done = subprocess.run([self.tools.fixture, "env", "--format", "json", "--content", str(listing)],
                                  env=environment, capture_output=True, text=True, check=False)
        finally:
            listing.unlink()
            folder.rmdir()
        if done.returncode == 77:
            raise Absent(done.stderr.strip() or "there is no SoftHSM")
        if done.returncode != 0:
            raise Failed(f"softhsm-fixture: {done.stderr.strip()}")
        self.variables = json.loads(done.stdout)
        self.environment = environment | self.variables
        return self

    def __exit__(self, *_):
        subprocess.run([self.tools.fixture, "remove", self.variables["SOFTHSM_FIXTURE_DIRECTORY"]],
                       env=self.environment, capture_output=True, check=False)

    def replaying(self, delay_us):
        """The environment with the module that replays signatures in front of the token."""
        if self.tools.replay is None:
            raise Absent("bench-replay was not built")
        return self.environment | {"KEYWAY_BENCH_REAL_MODULE": self.environment["PKCS11_MODULE"],
                                   "KEYWAY_BENCH_DELAY_US": str(delay_us),
                                   "PKCS11_MODULE": str(self.tools.replay)}

    def lines(self, *arguments):
        """What a probe says, in a process of its own."""
        done = subprocess.run([self.tools.worker, "probe", *arguments], env=self.environment, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise Failed(done.stderr.strip())
        if done.stdout.startswith("absent "):
            raise Absent(done.stdout.removeprefix("absent ").strip())
        return done.stdout.splitlines()

    def probe(self, *arguments):
        """The same of one that says names and numbers."""
        return dict(line.split(" ", 1) for line in self.lines(*arguments))


class Worker:
    """A process that signs when it is told to."""

    def __init__(self, program, environment):
        self.process = subprocess.Popen([program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait() != 0 and failure is None:
            raise Failed(f"{self.process.args[0]} ended with status {self.process.returncode}")

    def _ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        kind, _, rest = self.process.stdout.readline().strip().partition(" ")
        if kind == "absent":
            raise Absent(rest)
        if kind not in ("yes", "done"):
            raise Failed(f"{line}: {rest or 'the process ended'}")
        return rest

    def require(self, way):
        self._ask(f"have {way}")

    def run(self, way, kind, threads, milliseconds):
        """One round: signatures per second of all threads, and processor seconds for each signature."""
        signatures, rate, cpu = self._ask(f"run {way} {kind} {threads} {round(milliseconds * 1000)}").split()
        return {"rate": float(rate), "cpu": float(cpu) / int(signatures)}
