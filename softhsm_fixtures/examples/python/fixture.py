# SPDX-License-Identifier: BSD-2-Clause
"""A token for a unittest: copy this file."""
import json
import os
import subprocess
import unittest


class Fixture:
    """What `softhsm-fixture env` makes, as long as the object is not removed; skips the test where there is no module."""

    def __init__(self, *options):
        done = subprocess.run(["softhsm-fixture", "env", "--format", "json", *options], capture_output=True, text=True, check=False)
        if done.returncode == 77:
            raise unittest.SkipTest(done.stderr.strip())
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        self.variables = json.loads(done.stdout)
        # A module in this process reads the environment as programs do.
        self.before = {name: os.environ.get(name) for name in self.variables}
        os.environ.update(self.variables)

    def __getitem__(self, name):
        return self.variables[name]

    def fault(self, **what):
        """Tells the fault module something: fault(fault="session-lost", function="C_Sign"), fault(clear="all")."""
        subprocess.run(["softhsm-fixture", "fault", self["PKCS11_FAULT_CONTROL"], json.dumps(what)], check=True)

    def calls(self, function):
        done = subprocess.run(["softhsm-fixture", "counters", "--json", self["PKCS11_FAULT_COUNTERS"]], check=True, capture_output=True)
        return json.loads(done.stdout)[function]["calls"]

    def remove(self):
        for name, value in self.before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        subprocess.run(["softhsm-fixture", "remove", self["SOFTHSM_FIXTURE_DIRECTORY"]], check=True)
