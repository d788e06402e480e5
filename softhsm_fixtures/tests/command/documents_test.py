#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests that the manual page, the help and the documents say the same, and that what they name is there."""
import pathlib
import re
import subprocess
import sys

import harness
from harness import need

KIT = pathlib.Path(__file__).resolve().parent.parent.parent
SHARED = "Options of run, shell and env"


def manual():
    return (KIT / "docs" / "softhsm-fixture.1").read_text(encoding="utf-8")


def plain(line):
    return re.sub(r"\\f[BIR]", "", line).replace("\\-", "-")


def subsections():
    """The options of each subcommand in the manual page: {"run": {"--keep": ""}}."""
    part = manual().split(".SH COMMANDS\n")[1].split("\n.SH ")[0]
    found = {}
    for section in part.split("\n.SS ")[1:]:
        heading, *lines = section.splitlines()
        heading = plain(heading)
        name = heading if heading == SHARED else heading.split()[0]
        tags = [plain(line) for before, line in zip(lines, lines[1:]) if before == ".TP"]
        found[name] = {option.split()[0]: " ".join(option.split()[1:]) for tag in tags for option in tag.split(", ")}
    return found


def commands(place):
    part = place.run("--help").stdout.split("of its own:\n")[1].split("\n\n")[0]
    return re.findall(r"^  ([a-z-]+)", part, re.M)


def options_of(place, command):
    part = place.run(command, "--help").stdout.split("\nOptions:\n")[1].split("\n\n")[0]
    found = {}
    for line in re.findall(r"^  (-.*?)(?:  |$)", part, re.M):
        for option in line.split(", "):
            found[option.split()[0]] = " ".join(option.split()[1:])
    del found["-h"], found["--help"]
    return found


def test_manual_has_the_options_of_the_command(place):
    documented = subsections()
    shared = documented.pop(SHARED)
    assert list(documented) == ["run", "shell", "env", *commands(place)[3:]], list(documented)
    for command in commands(place):
        expected = dict(documented[command], **(shared if command in ("run", "shell", "env") else {}))
        assert options_of(place, command) == expected, command


def test_manual_and_help_name_the_same_variables(place):
    part = manual().split(".SH ENVIRONMENT OF THE PROGRAM\n")[1].split(".SH EXIT STATUS")[0]
    in_manual = set(re.findall(r"\\fB([A-Z][A-Z0-9_]+)\\fR", part))
    text = place.run("run", "--help").stdout
    in_help = set(re.findall(r"\b(?:PKCS11|SOFTHSM|GNUTLS|OPENSSL|XDG)[A-Z0-9_]*\b", text.split("Exit status:")[0].split("It finds")[1]))
    in_help -= {"PKCS11_TOKEN_URI_1", "PKCS11_TOKEN_URI_2"}
    assert in_manual == in_help, in_manual ^ in_help
    found = place.variables("--fault-module")
    assert in_help <= set(found), in_help - set(found)
    # And nothing is set that is not told.
    told = in_help | {f"{name}_1" for name in in_help} | {"PKCS11_FAULT_MODULE"}
    extra = {name for name in found if name not in place.environment} - told - {"PWD", "SHLVL", "_", "OLDPWD", "LC_CTYPE"}
    assert not extra, extra


def test_manual_and_help_name_the_same_statuses(place):
    part = manual().split(".SH EXIT STATUS\n")[1].split(".SH ")[0]
    assert re.findall(r"^\.B (\d+)$", part, re.M) == re.findall(r"^  (\d+)  ", place.run("run", "--help").stdout, re.M)


def test_manual_is_well_formed(place):
    need("man")
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(KIT / "docs" / "softhsm-fixture.1")],
                          capture_output=True, text=True, check=True, env=dict(place.environment, MANROFFSEQ="", MANWIDTH="100"))
    assert done.stderr == "", done.stderr


def test_help_fits_a_terminal(place):
    for command in ([], *[[name] for name in commands(place)]):
        text = place.run(*command, "--help").stdout
        assert all(len(line) <= 105 for line in text.splitlines()), [line for line in text.splitlines() if len(line) > 105]
        assert "{" not in text.split("\nOptions:\n")[1].split("\n\n")[0], text


def test_links_of_the_documents_lead_somewhere(_place):
    for document in (KIT / "README.md", *sorted((KIT / "docs").glob("*.md"))):
        text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.S)
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            if not link.startswith(("http://", "https://")):
                assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_commands_named_in_the_documents_exist(place):
    known = set(commands(place))
    for document in (KIT / "README.md", *sorted((KIT / "docs").glob("*.md"))):
        named = set(re.findall(r"\bsofthsm-fixture ([a-z][a-z-]+)", document.read_text(encoding="utf-8")))
        assert named <= known, f"{document.name}: {named - known}"


def test_the_list_of_content_is_documented(place):
    """Every name that the parser knows is in the document, and its examples are understood."""
    text = (KIT / "docs" / "content.md").read_text(encoding="utf-8")

    def known(content):
        place.file("content.json", content)
        message = place.run("run", "--content", "content.json", "--", "true", status=125).stderr
        return message.split("known are ")[1].strip().split(", ")

    types = known('[{"type": "?"}]')
    names = set(types) | {"curve"}
    for kind in types:
        names |= set(known(f'[{{"type": "{kind}", "?": 1}}]'))
        names |= set(known(f'[{{"type": "{kind}", "attributes": {{"?": true}}}}]'))
    names |= set(known('[{"type": "rsa", "label": "a", "certificate": {"?": 1}}]'))
    for member in ("store", "origin"):
        names |= set(known(f'[{{"type": "rsa", "{member}": "?"}}]'))
    names |= set(known('[{"type": "rsa", "usage": ["?"]}]'))
    undocumented = sorted(name for name in names if f"`{name}`" not in text)
    assert not undocumented, undocumented
    for example in re.findall(r"```json\n(.*?)```", text, re.S):
        place.file("content.json", example)
        place.run("run", "--content", "content.json", "--", "true")


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
