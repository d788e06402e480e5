#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the main job with the keyway command, showing each command, and has OpenSSL check what comes out.

usage: main_job.py KEYWAY OUTPUT_FOLDER
"""
import glob
import json
import os
import pathlib
import secrets
import shlex
import shutil
import subprocess
import sys
import time

BACKENDS = ["hsm", "file", "database"]
# Each algorithm, and what makes OpenSSL generate a key of it.
ALGORITHMS = {
    "rsa-3072": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "p-256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p-384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ed25519": ["-algorithm", "ED25519"],
    "ed448": ["-algorithm", "ED448"],
}
HOST = "www.example.invalid"
MARK = ".made-by-keyway-demo"


class Failed(Exception):
    """The main job cannot go on."""


class Job:
    """The output folder, and the commands that are run in it."""

    def __init__(self, keyway, folder):
        self.keyway_path = keyway
        self.folder = folder
        self.checks = 0
        self.environment = dict(os.environ, LC_ALL="C.UTF-8")
        for name in ("KEYWAY_CONFIG", "SOFTHSM2_CONF", "OPENSSL_CONF"):
            self.environment.pop(name, None)

    def run(self, arguments, expected=0, show=True):
        """Runs a command; returns its standard output and how many milliseconds it took."""
        shown = shlex.join("keyway" if a == self.keyway_path else a for a in arguments)
        if show:
            print("$ " + shown, flush=True)
        started = time.monotonic()
        done = subprocess.run(arguments, cwd=self.folder, env=self.environment, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, check=False)
        milliseconds = round((time.monotonic() - started) * 1000)
        if done.returncode != expected:
            raise Failed(f"{shown}\n  ended with status {done.returncode} instead of {expected}:\n"
                         + (done.stdout + done.stderr).strip())
        return done.stdout, milliseconds

    def keyway(self, *arguments):
        """Runs keyway; returns its JSON answer and how many milliseconds it took."""
        out, milliseconds = self.run([self.keyway_path, *arguments, "--json"])
        return json.loads(out), milliseconds

    def judge(self, *arguments, expected=0, says=""):
        """Asks OpenSSL, which has to end with the status expected and to say a text."""
        out, _ = self.run(["openssl", *arguments], expected)
        if says not in out:
            raise Failed(f"openssl {shlex.join(arguments)}\n  did not say {says!r} but:\n{out}")
        self.checks += 1
        return out


def write_secret(path):
    """A random secret for this run, in a file that only its owner can read."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(secrets.token_hex(10))


def softhsm_module():
    for pattern in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so",
                    "/usr/lib*/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"):
        if found := glob.glob(pattern):
            return found[0]
    raise Failed("there is no libsofthsm2.so: install softhsm2")


def prepare(job):
    """A token, a key folder and a database, all inside the output folder, and the settings that name them."""
    folder = job.folder
    for name in ("so-pin", "user-pin", "passphrase"):
        write_secret(folder / "secrets" / name)
    tokens = folder / "softhsm" / "tokens"
    tokens.mkdir(parents=True)
    configuration = folder / "softhsm" / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n",
                             encoding="utf-8")
    job.environment["SOFTHSM2_CONF"] = str(configuration)
    module = softhsm_module()
    settings = {
        "version": 1,
        "backends": {
            "hsm": {"type": "hsm", "module": module, "token-label": "demo", "user-pin": "file:secrets/user-pin"},
            "file": {"type": "file", "path": "keys", "passphrase": "file:secrets/passphrase"},
            "database": {"type": "database", "path": "keys.sqlite", "passphrase": "file:secrets/passphrase"},
        },
    }
    (folder / "keyway.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    print(f"$ cd {shlex.quote(str(folder))}\n$ export SOFTHSM2_CONF={shlex.quote(str(configuration))}")
    job.keyway("token", "init", "--module", module, "--label", "demo", "--so-pin", "file:secrets/so-pin",
               "--user-pin", "file:secrets/user-pin")


def spki_sha256(job, certificate):
    """The SHA-256 of a certificate's SubjectPublicKeyInfo, by OpenSSL."""
    pem, _ = job.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], show=False)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem.encode(), capture_output=True,
                         check=True).stdout
    return subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=der, capture_output=True,
                          check=True).stdout.decode().split()[0]


class Authority:
    """Everything that is made with one backend and one algorithm."""

    def __init__(self, job, backend, algorithm):
        self.job = job
        self.backend = backend
        self.algorithm = algorithm
        self.name = f"{backend} {algorithm}"
        self.place = pathlib.Path(backend) / algorithm
        (job.folder / self.place).mkdir(parents=True)
        self.milliseconds = {}
        self.keys = {}

    def file(self, name):
        return str(self.place / name)

    def step(self, name, *arguments):
        answer, self.milliseconds[name] = self.job.keyway(*arguments)
        return answer

    def remember(self, role, answer):
        self.keys[role] = {"reference": answer["reference"], "spki-sha256": answer["spki-sha256"]}

    def create_key(self, role):
        reference = self.file(f"{role}.ref")
        self.remember(role, self.step(f"create {role} key", "key", "create", "--backend", self.backend, "--type",
                                      self.algorithm, "--label", f"{self.algorithm}-{role}", "--out", reference))
        return reference

    def make(self):
        root, intermediate, ocsp = (self.create_key(role) for role in ("root", "intermediate", "ocsp"))
        self.step("root certificate", "ca", "create", "--key", root, "--subject", f"CN=Root {self.name},O=Example,C=NO",
                  "--out", self.file("root.pem"))
        by_root = ["--issuer", self.file("root.pem"), "--issuer-key", root]
        self.step("intermediate certificate", "ca", "create", "--key", intermediate, "--subject",
                  f"CN=Intermediate {self.name},O=Example,C=NO", "--path-length", "0", *by_root, "--out",
                  self.file("intermediate.pem"))
        by_intermediate = ["--issuer", self.file("intermediate.pem"), "--issuer-key", intermediate]

        # The servers' keys and requests are made by OpenSSL: requests from somebody else.
        for leaf in ("server", "revoked"):
            self.job.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
                          "-keyout", self.file(f"{leaf}-key.pem"), "-subj", f"/CN={HOST}", "-addext",
                          f"subjectAltName=DNS:{HOST}", "-out", self.file(f"{leaf}.csr")])
            self.step(f"{leaf} certificate", "cert", "issue", "--profile", "server", "--csr", self.file(f"{leaf}.csr"),
                      *by_intermediate, "--out", self.file(f"{leaf}.pem"))
        self.step("OCSP responder certificate", "cert", "issue", "--profile", "ocsp", "--key", ocsp, "--subject",
                  f"CN=OCSP {self.name}", *by_intermediate, "--out", self.file("ocsp.pem"))
        self.step("root CRL", "crl", "issue", *by_root, "--number", "1", "--out", self.file("root.crl"))
        self.step("intermediate CRL", "crl", "issue", *by_intermediate, "--number", "1", "--revoke-certificate",
                  self.file("revoked.pem") + ":keyCompromise", "--out", self.file("intermediate.crl"))

    def make_with_stored_key(self):
        """A root made by OpenSSL, whose key moves into the backend and goes on signing there."""
        passphrase = "file:secrets/passphrase"
        self.job.run(["openssl", "genpkey", *ALGORITHMS[self.algorithm], "-aes-256-cbc", "-pass", passphrase, "-out",
                      self.file("stored-key.pem")])
        self.job.run(["openssl", "req", "-x509", "-key", self.file("stored-key.pem"), "-passin", passphrase, "-subj",
                      f"/CN=Stored {self.name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-days", "3650",
                      "-out", self.file("stored-root.pem")])
        reference = self.file("stored.ref")
        self.remember("stored", self.step("store key", "key", "store", "--backend", self.backend, "--in",
                                          self.file("stored-key.pem"), "--in-passphrase", passphrase, "--certificate",
                                          self.file("stored-root.pem"), "--label", f"{self.algorithm}-stored", "--out",
                                          reference))
        self.step("leaf by stored key", "cert", "issue", "--profile", "server", "--csr", self.file("server.csr"),
                  "--issuer", self.file("stored-root.pem"), "--issuer-key", reference, "--out",
                  self.file("stored-leaf.pem"))

    def check(self):
        judge = self.job.judge
        verify = ["verify", "-x509_strict", "-CAfile", self.file("root.pem")]
        chain = [*verify, "-untrusted", self.file("intermediate.pem")]
        judge(*verify, self.file("intermediate.pem"), says=": OK")
        judge(*chain, "-purpose", "sslserver", "-verify_hostname", HOST, self.file("server.pem"), says=": OK")
        judge(*chain, "-purpose", "ocsphelper", self.file("ocsp.pem"), says=": OK")
        for authority in ("root", "intermediate"):
            judge("crl", "-in", self.file(f"{authority}.crl"), "-noout", "-verify", "-CAfile",
                  self.file(f"{authority}.pem"))
        with_lists = [*chain, "-crl_check_all", "-CRLfile", self.file("root.crl"), "-CRLfile",
                      self.file("intermediate.crl")]
        judge(*with_lists, self.file("server.pem"), says=": OK")
        # The revoked one has to be refused: a judge that accepts everything is none.
        judge(*with_lists, self.file("revoked.pem"), expected=2)
        text = judge("crl", "-in", self.file("intermediate.crl"), "-noout", "-text")
        if text.count("Serial Number:") != 1:
            raise Failed(f"{self.file('intermediate.crl')} does not list one certificate:\n{text}")
        judge("verify", "-CAfile", self.file("stored-root.pem"), self.file("stored-root.pem"), says=": OK")
        judge("verify", "-x509_strict", "-CAfile", self.file("stored-root.pem"), "-purpose", "sslserver",
              self.file("stored-leaf.pem"), says=": OK")
        for role, certificate in (("root", "root.pem"), ("intermediate", "intermediate.pem"), ("ocsp", "ocsp.pem"),
                                  ("stored", "stored-root.pem")):
            found = spki_sha256(self.job, self.file(certificate))
            self.job.checks += 1
            if found != self.keys[role]["spki-sha256"]:
                raise Failed(f"{self.file(certificate)} is for the key {found}, not {self.keys[role]['spki-sha256']}")

    def summary(self):
        names = ("root.pem", "intermediate.pem", "server.pem", "ocsp.pem", "root.crl", "intermediate.crl",
                 "stored-root.pem", "stored-leaf.pem")
        return {"backend": self.backend, "algorithm": self.algorithm, "keys": self.keys,
                "files": {name: self.file(name) for name in names}, "milliseconds": self.milliseconds}


def print_table(authorities):
    columns = {"new key": "create root key", "root": "root certificate", "intermediate": "intermediate certificate",
               "server": "server certificate", "OCSP": "OCSP responder certificate", "CRL": "intermediate CRL",
               "store key": "store key", "its leaf": "leaf by stored key"}
    header = (f"{'backend':<9} {'algorithm':<9} " + " ".join(f"{title:>12}" for title in columns)
              + "  root key, SPKI SHA-256")
    print("\nmilliseconds that each keyway command took, from start to end")
    print(header + "\n" + "-" * len(header))
    for authority in authorities:
        print(f"{authority.backend:<9} {authority.algorithm:<9} "
              + " ".join(f"{authority.milliseconds[step]:>12}" for step in columns.values())
              + f"  {authority.keys['root']['spki-sha256'][:16]}...")


def clear(folder):
    """Takes away what an earlier run made, and nothing else."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARK).exists():
            raise Failed(f"{folder} was not made by an earlier run: move it away, or name another folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, mode=0o700)
    (folder / MARK).touch()


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    started = time.monotonic()
    folder = pathlib.Path(sys.argv[2]).absolute()
    job = Job(str(pathlib.Path(sys.argv[1]).absolute()), folder)
    authorities = []
    try:
        clear(folder)
        prepare(job)
        for backend in BACKENDS:
            for algorithm in ALGORITHMS:
                print(f"\n-- {backend}, {algorithm}")
                authority = Authority(job, backend, algorithm)
                authority.make()
                authority.make_with_stored_key()
                authority.check()
                authorities.append(authority)
        summary = json.dumps([authority.summary() for authority in authorities], indent=2)
        (folder / "summary.json").write_text(summary + "\n", encoding="utf-8")
    except (Failed, OSError, KeyError, ValueError, subprocess.SubprocessError) as error:
        print(f"demo: error: {error}", file=sys.stderr)
        return 1
    print_table(authorities)
    openssl, _ = job.run(["openssl", "version"], show=False)
    private = len(list(folder.glob("*/*/*-key.pem")))
    print(f"\nmade {sum(len(a.keys) for a in authorities)} keys, {len(list(folder.glob('*/*/*.pem'))) - private} "
          f"certificates and {len(list(folder.glob('*/*/*.crl')))} CRLs in {sys.argv[2]}; checked by "
          f"{' '.join(openssl.split()[:2])}: {job.checks} checks, all passed; {time.monotonic() - started:.1f} s")
    return 0


sys.exit(main())
