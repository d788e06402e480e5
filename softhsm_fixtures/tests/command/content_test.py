#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests what `--content` puts into tokens of each module, PINs of copies, and what is said while it lasts."""
import json
import os
import pty
import re
import sys

import harness
from harness import Skip, need, need_plain_build

EVERYWHERE = [{"type": "rsa", "label": "generated-rsa", "id": "01", "origin": "generated", "certificate": {}},
              {"type": "ec", "curve": "P-256", "label": "generated-ec-{n}", "origin": "generated", "count": 2}]
IMPORTED = [{"type": "ec", "curve": "P-256", "label": "signer", "certificate": {}}, {"type": "aes", "label": "wrapping"}]
LIST = 'pkcs11-tool --module "$PKCS11_MODULE" --login --pin env:PKCS11_PIN --token-label "$PKCS11_TOKEN_LABEL" --list-objects 2>/dev/null'
SIGN = ('echo data >data; pkcs11-tool --module "$PKCS11_MODULE" --login --pin env:PKCS11_PIN --token-label "$PKCS11_TOKEN_LABEL" '
        '--sign --mechanism SHA256-RSA-PKCS --id 01 --input-file data --output-file signature 2>&1')


def usable(place):
    return [module["name"] for module in json.loads(place.run("modules", "--json").stdout)["modules"] if module["usable"]]


def test_every_usable_module_is_filled(place):
    need_plain_build()
    need("pkcs11-tool")
    for name in usable(place):
        entries = EVERYWHERE + ([] if name == "tpm2-pkcs11" else IMPORTED)
        content = place.file("content.json", json.dumps(entries))
        done = place.run("run", "--module", name, "--token", "one", "--content", content, "--", "sh", "-c", f"{LIST}; {SIGN}")
        labels = set(re.findall(r"label: +(\S+)", done.stdout))
        wanted = {"generated-rsa", "generated-ec-1", "generated-ec-2"} | ({"signer", "wrapping"} if len(entries) > 2 else set())
        assert wanted <= labels, (name, done)
        assert len(re.findall("Certificate Object", done.stdout)) == len(entries) // 2, (name, done)
        assert "error: PKCS11" not in done.stdout and (place.folder / "signature").stat().st_size == 256, (name, done)
        (place.folder / "signature").unlink()
        print(f"  {name}: ok")


def test_what_a_token_cannot_hold_names_the_entry(place):
    modules = usable(place)
    impossible = {"tpm2-pkcs11": ({"type": "ec", "curve": "P-256", "label": "given"}, "generated"),
                  "nss-softokn": ({"type": "rsa", "label": "given", "attributes": {"trusted": True, "private": False}}, "trusted")}
    tried = [name for name in impossible if name in modules]
    for name in tried:
        entry, hint = impossible[name]
        content = place.file("content.json", json.dumps([{"type": "rsa", "label": "first", "origin": "generated"}, entry]))
        for command in (["run", "--", "true"], ["shell"]):
            done = place.run(command[0], "--module", name, "--content", content, *command[1:], status=125)
            assert 'entry 2 ("given")' in done.stderr and hint in done.stderr, (name, done.stderr)
    if not tried:
        raise Skip("neither tpm2-pkcs11 nor NSS softokn is usable here")


def test_copies_have_the_same_pins_unless_fresh_ones_are_wanted(place):
    content = place.file("content.json", json.dumps(IMPORTED))
    options = ("--content", content, "--token=a", "--token=b")
    pins = [place.variables(*options, *more) for more in ((), (), ("--fresh-pins",), ("--fresh-pins",))]
    user = {(found["PKCS11_PIN_1"], found["PKCS11_SO_PIN_1"]) for found in pins} | {(found["PKCS11_PIN_2"], found["PKCS11_SO_PIN_2"]) for found in pins}
    assert len(user) == 5, user
    need("pkcs11-tool")
    for command in ("run", "env"):
        if command == "env":
            variables = json.loads(place.run("env", "--fresh-pins", "--format", "json", "--content", content).stdout)
            place.run("remove", variables["SOFTHSM_FIXTURE_DIRECTORY"])
            assert (variables["PKCS11_PIN"], variables["PKCS11_SO_PIN"]) not in user
        else:
            assert "signer" in place.run("run", *options, "--fresh-pins", "--", "sh", "-c", LIST).stdout


def test_progress_is_told_on_a_terminal_only(place):
    content = place.file("content.json", '[{"type": "rsa", "bits": 4096, "label": "key-{n}", "count": 4}]')
    leader, terminal = pty.openpty()
    process = place.start("run", "--content", content, "--", "true", stderr=terminal)
    os.close(terminal)
    said = b""
    try:
        while part := os.read(leader, 4096):
            said += part
    except OSError:
        pass # the other end is closed
    os.close(leader)
    assert process.wait(timeout=60) == 0
    process.communicate()
    assert re.search(rb"softhsm-fixture: fills the token: [1-9]\d* of 8 objects", said), said
    assert said.endswith(b"\r\x1b[K"), said
    content = place.file("fewer.json", '[{"type": "rsa", "bits": 4096, "label": "key-{n}", "count": 3}]')
    assert place.run("run", "--content", content, "--", "true").stderr == ""


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
