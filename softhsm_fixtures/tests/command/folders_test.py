#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests `softhsm-fixture env`, `list` and `remove`."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import harness
from harness import need, wait_until


def listed(place):
    return json.loads(place.run("list", "--json").stdout)


def test_env_for_sh(place):
    script = (f'variables=$({harness.COMMAND} env --token "it\'s \\$x") && eval "$variables" && '
              'printf "%s\\n" "$PKCS11_TOKEN_LABEL" && test -f "$SOFTHSM2_CONF" && test -f "$PKCS11_PIN_FILE" && '
              f'{harness.COMMAND} remove && test ! -e "$SOFTHSM2_CONF"')
    for shell in ("sh", "bash", "zsh"):
        if shutil.which(shell):
            done = subprocess.run([shell, "-c", script], env=place.environment, text=True, capture_output=True, check=False)
            assert done.returncode == 0 and done.stdout == "it's $x\n", (shell, done)


def test_env_for_fish(place):
    need("fish")
    place.environment["XDG_RUNTIME_DIR"] = str(place.folder)
    script = (f'{harness.COMMAND} env --format fish --token "it\'s \\\\\\$x" | source; echo $PKCS11_TOKEN_LABEL; '
              f'test -f $SOFTHSM2_CONF; and {harness.COMMAND} remove; and test ! -e $SOFTHSM2_CONF')
    done = subprocess.run(["fish", "-c", script], env=place.environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0 and done.stdout == "it's \\$x\n", done


def test_env_as_json_is_what_run_sets(place):
    variables = json.loads(place.run("env", "--format", "json", "--token", 'quote"\\ é').stdout)
    assert variables["PKCS11_TOKEN_LABEL"] == 'quote"\\ é'
    place.run("remove", variables["SOFTHSM_FIXTURE_DIRECTORY"])
    found = place.variables()
    assert set(variables) == {name for name in found if name not in place.environment} - {"PWD", "SHLVL", "_", "OLDPWD"}


def test_env_for_github(place):
    lines = place.run("env", "--format", "github").stdout.splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    assert pathlib.Path(variables["SOFTHSM2_CONF"]).is_file()
    assert variables["PKCS11_TOKEN_URI"].startswith("pkcs11:token=")
    place.run("remove", variables["SOFTHSM_FIXTURE_DIRECTORY"])


def test_env_unsets_what_another_left(place):
    place.environment.update(PKCS11_TOKEN_URI_2="stale", PKCS11_FAULT="hang")
    lines = place.run("env").stdout.splitlines()
    assert "unset PKCS11_TOKEN_URI_2" in lines and "unset PKCS11_FAULT" in lines
    place.run("remove", "--all")


def test_env_that_fails_prints_nothing_to_eval(place):
    assert place.run("env", "--token", "", status=125).stdout == ""
    assert place.left() == []
    with open("/dev/full", "w", encoding="ascii") as full:
        place.run("env", status=125, stdout=full)


def test_env_cannot_leave_a_token_that_needs_a_process(place):
    modules = json.loads(place.run("modules", "--json").stdout)["modules"]
    if not [module for module in modules if module["name"] == "tpm2-pkcs11" and module["usable"]]:
        raise harness.Skip("tpm2-pkcs11 or swtpm is not installed")
    assert "emulator" in place.run("env", "--module", "tpm2-pkcs11", status=125).stderr


def test_env_ended_by_a_signal(place):
    for delay in (0.005, 0.015, 0.03):
        process = place.start("env", *["--token=x"] * 6)
        time.sleep(delay)
        process.terminate()
        process.communicate(timeout=20)
        assert process.returncode == -signal.SIGTERM and place.left() == [], delay


def test_list_tells_who_uses_a_folder(place):
    process = place.start("run", "--token", "one", "--token", "two", "--", "sh", "-c", f": >{place.folder}/on; exec sleep 60")
    wait_until((place.folder / "on").exists, "running")
    place.run("env", "--token", "kept")
    folders = {folder["tokens"][0]["label"]: folder for folder in listed(place)}
    assert sorted(folders) == ["kept", "one"]
    assert folders["one"]["state"] == "in use" and folders["one"]["process"] == process.pid
    assert [token["label"] for token in folders["one"]["tokens"]] == ["one", "two"]
    assert folders["kept"]["state"] == "left" and folders["kept"]["process"] is None
    text = place.run("list").stdout.splitlines()
    assert len(text) == 2 and any(line.startswith("in use") and '"one"' in line and '"two"' in line for line in text)

    done = place.run("remove", folders["one"]["folder"], status=1)
    assert f"in use by process {process.pid}" in done.stderr
    assert place.run("remove", "--all").stdout == folders["kept"]["folder"] + "\n"
    assert place.left() == [pathlib.Path(folders["one"]["folder"]).name]
    process.terminate()
    process.wait(timeout=20)
    process.communicate()
    assert listed(place) == []


def test_another_process_with_the_same_number(place):
    place.run("env")
    record = place.temporary / place.left()[0] / "fixture.json"
    read = json.loads(record.read_text(encoding="utf-8"))
    for process, start, state in ((os.getpid(), "1", "left"), (2 ** 22 + 1, "1", "left"), (0, "", "left")):
        record.write_text(json.dumps(dict(read, **{"process": process, "process-start": start})), encoding="utf-8")
        assert listed(place)[0]["state"] == state, process
    for broken in ("", "[]", "{", '{"module": 1}', "\x00"):
        record.write_text(broken, encoding="utf-8")
        assert listed(place)[0]["state"] == "unknown", broken
    place.run("remove", record.parent)


def test_folder_of_a_test_program(place):
    place.run("env")
    folder = place.temporary / place.left()[0]
    (folder / "fixture.json").unlink()
    assert listed(place)[0]["state"] == "unknown"
    place.run("remove", "--all")
    assert folder.exists()
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (0, 0), follow_symlinks=False)
    place.run("remove", "--all")


def test_what_was_killed_goes_later(place):
    if not pathlib.Path("/proc/self/ns/pid").exists():
        raise harness.Skip("no /proc that tells processes of one container from those of another")
    place.run("run", "--keep", "--", "true")
    kept = place.temporary / place.left()[0]
    place.run("env")
    others = [path for path in place.temporary.iterdir()]
    killed = place.temporary / "softhsm-p1s1-abcdef"
    shutil.copytree(kept, killed, symlinks=True)
    ours = place.run("run", "--", "sh", "-c", 'cat "$SOFTHSM_FIXTURE_DIRECTORY/fixture.json"').stdout
    (killed / "fixture.json").write_text(ours, encoding="utf-8")

    def age(folder, record=None):
        if record:
            (folder / "fixture.json").write_text(record, encoding="utf-8")
        for path in (folder, *folder.rglob("*")):
            os.utime(path, (0, 0), follow_symlinks=False)

    for folder in others:
        age(folder)
    place.run("run", "--", "true")
    assert killed.exists(), "it has changed just now"
    elsewhere = json.dumps(dict(json.loads(ours), **{"process-space": "elsewhere"}))
    age(killed, elsewhere)
    place.run("run", "--", "true")
    assert killed.exists(), "its process is another container's"
    age(killed, ours)
    place.run("run", "--", "true")
    assert not killed.exists()
    assert all(folder.exists() for folder in others)
    place.run("remove", "--all")


def test_remove_removes_nothing_else(place):
    other = place.temporary / "other"
    lookalike = place.temporary / "softhsm-abc"
    for folder in (other, lookalike):
        folder.mkdir()
    (other / "softhsm2.conf").write_text("")
    (place.temporary / "softhsm-link").symlink_to(other)
    for wrong in (other, lookalike, place.temporary / "softhsm-link", place.folder, "/", "/no/such", "."):
        assert str(wrong) in place.run("remove", wrong, status=1).stderr
    place.run("remove", "--all")
    assert listed(place) == []
    assert place.left() == ["other", "softhsm-abc", "softhsm-link"]
    shutil.rmtree(other)
    lookalike.rmdir()
    (place.temporary / "softhsm-link").unlink()


def test_nothing_to_remove(place):
    place.environment.pop("SOFTHSM_FIXTURE_DIRECTORY", None)
    assert "SOFTHSM_FIXTURE_DIRECTORY" in place.run("remove", status=2).stderr
    assert place.run("remove", "--all").stdout == ""
    place.environment["TMPDIR"] = "/no/such/folder"
    assert listed(place) == []


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
