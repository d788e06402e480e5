#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests what is said of a wrong command line: what is wrong, what is near, what is known, and nothing made."""
import json
import re
import sys

import harness


def refused(place, *arguments, status=125, **more):
    done = place.run(*arguments, status=status, **more)
    assert done.stdout == "", done
    assert all(line.startswith("softhsm-fixture: ") for line in done.stderr.splitlines()), done.stderr
    return done.stderr


def test_a_missing_separator_is_shown(place):
    for arguments, wanted in ((["sh", "-e", "t.sh"], "`softhsm-fixture run -- sh -e t.sh`"),
                              (["--token", "a b", "make", "-k"], "`softhsm-fixture run --token 'a b' -- make -k`"),
                              (["-v", "sh", "--", "it's"], "`softhsm-fixture run -v -- sh -- 'it'\\''s'`")):
        message = refused(place, "run", *arguments)
        assert "behind --: " + wanted in message and "run --help" in message, message
    assert "behind --" in refused(place, "run", "--token", "sh", "-e", "t.sh")
    assert "`softhsm-fixture run -- make check`" in refused(place, "--", "make", "check", status=2)


def test_unknown_options_name_the_nearest_and_all(place):
    for command, status in (("run", 125), ("shell", 125), ("env", 125)):
        behind = ["--", "true"] if command == "run" else []
        message = refused(place, command, "--fault-profil", "x", *behind, status=status)
        assert 'unknown option "--fault-profil"; did you mean "--fault-profile"?' in message, message
        assert "--token, --content" in message and f"softhsm-fixture {command} --help" in message, message
        assert '"-x"' in refused(place, command, "-x", *behind)
    message = refused(place, "list", "--jsn", status=2)
    assert 'did you mean "--json"?' in message and "softhsm-fixture list --help" in message, message
    assert "--version" in refused(place, "--versio", status=2)
    assert "--keep takes no value" in refused(place, "run", "--keep=1", "--", "true")
    assert "--token wants a LABEL" in refused(place, "run", "--token")
    # Only what is before the program is looked at.
    place.run("run", "--", "true", "--nonsense")


def test_unknown_commands_name_the_nearest_and_all(place):
    message = refused(place, "modul", status=2)
    assert 'unknown command "modul"; did you mean "modules"?' in message and "check-plan" in message, message
    assert "check-plan" in refused(place, status=2)
    assert '"b" is one word too many' in refused(place, "counters", "a", "b", status=2)
    assert "shell" in refused(place, "shell", "sh")


def test_unknown_formats_name_all(place):
    message = refused(place, "env", "--format", "fisch")
    assert 'unknown format "fisch"; did you mean "fish"? known: sh, fish, json, github' in message, message
    assert "{" not in message and "env --help" in message


def test_help_is_given_whatever_else_there_is(place):
    assert place.run("run", "--help").stdout.startswith("usage: softhsm-fixture run")


def test_empty_values_are_refused(place):
    for option in ("--fault", "--fault-profile", "--fault-plan", "--fault-seed", "--fault-log", "--fault-counters", "--fault-control"):
        for value in ("", " "):
            for words in ([option, value], [f"{option}={value}"]):
                message = refused(place, "run", *words, "--", "true")
                assert option in message and "tests nothing" in message, message
    assert "--token: the value is empty" in refused(place, "run", "--token=", "--", "true")
    assert "tests nothing" in refused(place, "env", "--fault", " ; ")


def test_wrong_use_is_found_before_absence(place):
    place.environment["SOFTHSM2_MODULE"] = "/no/such/module"
    assert "32 bytes" in refused(place, "run", "--token", "x" * 33, "--", "true")
    assert "empty" in refused(place, "env", "--token", "")
    assert "no-such-capability" in refused(place, "run", "--module", "softhsm2", "--need", "no-such-capability", "--", "true")
    place.environment["NSS_SOFTOKN_MODULE"] = place.environment["TPM2_PKCS11_MODULE"] = "/no/such/module"
    for module in ("nss-softokn", "tpm2-pkcs11"):
        assert "one token" in refused(place, "run", "--module", module, "--token=a", "--token=b", "--", "true")
    assert "emulator" in refused(place, "env", "--module", "tpm2-pkcs11")
    place.run("run", "--", "true", status=77)


def test_a_module_with_several_tokens_of_which_one_is_made(place):
    message = refused(place, "run", "--module", "tpm2-pkcs11", "--token=a", "--token=b", "--", "true")
    assert "though the module itself can hold several" in message and "softhsm2" in message, message
    assert "though" not in refused(place, "run", "--module", "nss-softokn", "--token=a", "--token=b", "--", "true")


def test_files_of_faults_want_their_folder(place):
    for option in ("--fault-log", "--fault-counters", "--fault-control"):
        for path in ("/no/such/folder/file", "no/such/file", str(place.folder)):
            # Before the program, or it would be what is not there.
            message = refused(place, "run", option, path, "--", "true")
            assert option in message and path in message, message
    place.file("plan.json", '{"log": "no/such/log"}')
    assert "no/such" in refused(place, "run", "--fault-plan", "plan.json", "--", "true")
    assert "no/such/plan" in refused(place, "run", "--fault-plan", "no/such/plan", "--", "true")
    place.run("run", "--fault-log", "my.log", "--", "true")


def test_faults_in_both_forms(place):
    found = place.variables("--fault", '{"fault": "slow", "ms": 1}', "--fault", "hang ms=2 function=C_Sign")
    assert found["PKCS11_FAULT"] == '{"fault": "slow", "ms": 1}; hang ms=2 function=C_Sign'
    assert '"nonsense"' in refused(place, "run", "--fault", '{"fault": "nonsense"}', "--", "true")
    assert "--fault" in refused(place, "run", "--fault", '{"fault": "slow", "ms": 1', "--", "true")
    control = place.folder / "control"
    for line in ("slow ms=1", '{"fault": "slow", "ms": 1}', "slow ms=1; hang"):
        place.run("fault", control, line)
    assert len(control.read_text(encoding="utf-8").splitlines()) == 3
    assert "session-lost" in refused(place, "fault", control, "nonsense ms=1", status=1)
    assert '{"clear": ...}' in refused(place, "fault", control, "clear all", status=1)


def test_counters_before_any_call(place):
    script = '"$0" counters; echo $?; "$0" counters --all | wc -l; "$0" counters --json'
    lines = place.run("run", "--fault-module", "--", "sh", "-c", script, harness.COMMAND).stdout.splitlines()
    assert lines[0] == "0" and int(lines[1]) > 60 and '"C_Login": {' in "".join(lines[2:]), lines[:3]
    assert "PKCS11_FAULT_COUNTERS" in refused(place, "counters", status=2)
    assert "no/such" in refused(place, "counters", "no/such/counters", status=1)


def test_remove_takes_one_or_all(place):
    assert "--all" in refused(place, "remove", "--all", place.folder, status=2)


def test_a_path_for_a_module_names_the_variables(place):
    message = refused(place, "run", "--module", "/usr/lib/softhsm/libsofthsm2.so", "--", "true")
    assert "SOFTHSM2_MODULE for softhsm2" in message and "NSS_SOFTOKN_MODULE for nss-softokn" in message, message


def test_one_prefix_for_all_messages(place):
    done = place.run("run", "-v", "--keep", "--", "true")
    assert "kept" in done.stderr and "environment.sh" in done.stderr
    assert all(line.startswith("softhsm-fixture: ") for line in done.stderr.splitlines()), done.stderr
    place.run("remove", "--all")


def test_a_cache_is_made_but_no_tree_for_it(place):
    content = place.file("keys.json", '[{"type": "aes"}]')
    place.environment["SOFTHSM_FIXTURES_CACHE"] = str(place.folder / "no" / "such" / "cache")
    message = refused(place, "run", "--content", content, "--", "true")
    assert '/no/such", which is no folder' in message and "SOFTHSM_FIXTURES_CACHE" in message, message
    assert not (place.folder / "no").exists()
    for cache in ("cache", "slash/"):
        place.environment["SOFTHSM_FIXTURES_CACHE"] = str(place.folder / cache.rstrip("/")) + ("/" if cache.endswith("/") else "")
        place.run("run", "--content", content, "--", "true")
        assert list((place.folder / cache).glob("*.token")), cache


def test_a_script_names_the_interpreter_that_is_missing(place):
    for first in ("#!/no/such/interpreter", "#! /no/such/interpreter -x"):
        place.file("script", first + "\n", executable=True)
        message = refused(place, "run", "--", "./script", status=126)
        assert '"/no/such/interpreter"' in message and "./script" in message, message


def test_labels_in_the_list_are_escaped(place):
    place.run("env", "--token", 'a" "b\\\x1b[31m\n')
    line = place.run("list").stdout
    assert line.rstrip("\n").endswith(r' "a\" \"b\\\x1b[31m\x0a"'), line
    place.run("remove", "--all")


def test_modules_show_what_the_installed_version_can(place):
    module = need_nss(place)
    here = {line["name"] for line in module["capabilities"] if line["here"]}
    every = {line["name"] for line in module["capabilities"]}
    text = place.run("modules").stdout.split("nss-softokn: ")[1].split("\n\n")[0]
    assert f", version {module['version']}\n" in text, text
    assert set(re.search(r"capabilities:(.*)", text).group(1).split()) == here
    version = tuple(map(int, module["version"].split(".")))
    if version >= (3, 117):
        raise harness.Skip("this NSS softokn can all that is known")
    assert "sign-ml-dsa" in every - here
    place.run("run", "--module", "nss-softokn", "--need", "sign-ml-dsa", "--", "true", status=77)


def need_nss(place):
    found = [one for one in json.loads(place.run("modules", "--json").stdout)["modules"] if one["name"] == "nss-softokn"]
    if not found[0]["usable"]:
        raise harness.Skip("NSS softokn is not installed")
    return found[0]


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
