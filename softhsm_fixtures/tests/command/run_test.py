#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests `softhsm-fixture run`: exit statuses, environment, signals, cleaning up."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import harness
from harness import Skip, need, wait_until

RUNNING = "running"


def test_passes_the_status_on(place):
    for status in (0, 1, 2, 77, 125, 255):
        place.run("run", "--", "sh", "-c", f"exit {status}", status=status)


def test_passes_output_and_input_through(place):
    done = place.run("run", "--", "sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    process = place.start("run", "--", "cat", stdin=subprocess.PIPE)
    assert process.communicate("in\n", timeout=30)[0] == "in\n"


def test_arguments_arrive_as_they_are(place):
    words = ["", "a b", "--token", "'\"$x\\", "--", "*", "é"]
    script = "import sys; print(ascii(sys.argv[1:]))"
    done = place.run("run", "--", sys.executable, "-c", script, *words)
    assert done.stdout.strip() == ascii(words)


def test_status_of_a_killed_command_is_128_and_the_signal(place):
    for name in ("KILL", "SEGV", "TERM"):
        place.run("run", "--", "sh", "-c", f"kill -{name} $$", status=128 + getattr(signal, "SIG" + name))


def test_own_statuses_and_nothing_made(place):
    text = place.file("text", "no program")
    for status, command in ((127, "no-such-command"), (127, "./no-such-command"), (126, "./text"), (126, place.folder),
                            (127, "")):
        done = place.run("run", "-v", "--", command, status=status)
        assert f'"{command}"' in done.stderr, done.stderr
        # Not even a folder: -v would have said so.
        assert "folder \"" not in done.stderr, done.stderr
    text.chmod(0o755)
    # A file without #! cannot be executed; that is found out late, and cleaned up.
    place.run("run", "--", "./text", status=126)


def test_wrong_use_is_125_with_a_hint(place):
    for arguments, wanted in ((["run"], "behind --"), (["run", "true"], "--help"), (["run", "--"], "behind --"),
                              (["run", "--nonsense", "--", "true"], "--nonsense"), (["shell", "--", "true"], "only `run`"),
                              (["run", "--token"], "--token"), (["run", "--skip-status", "300", "--", "true"], "300"),
                              (["env", "--format", "xml"], "xml")):
        done = place.run(*arguments, status=125)
        assert wanted in done.stderr and done.stdout == "", (arguments, done)
    for arguments in ([], ["nonsense"], ["list", "--nonsense"], ["remove"]):
        place.run(*arguments, status=2)


def test_bad_labels_are_refused(place):
    for label, wanted in (("", "empty"), ("x" * 33, "32 bytes"), ("end ", "space"), ("é" * 17, "32 bytes")):
        done = place.run("run", "--token", label, "--", "true", status=125)
        assert wanted in done.stderr, done.stderr


def test_odd_labels_arrive(place):
    labels = ["with space", "quote'\"$(x)`", "é€", "x" * 32, "semi;colon=%20", "-dash", "back\\slash", "*?[a]#"]
    options = [part for label in labels for part in (f"--token={label}",)]
    found = place.variables(*options)
    assert found["PKCS11_TOKEN_COUNT"] == str(len(labels))
    assert [found[f"PKCS11_TOKEN_LABEL_{i + 1}"] for i in range(len(labels))] == labels
    assert found["PKCS11_TOKEN_LABEL"] == labels[0]
    assert len({found[f"PKCS11_TOKEN_URI_{i + 1}"] for i in range(len(labels))}) == len(labels)


def test_variables_of_one_token(place):
    found = place.variables("--token", "one two")
    assert found["PKCS11_TOKEN_URI"] == f"pkcs11:token=one%20two;serial={found['PKCS11_TOKEN_SERIAL']}"
    assert re.fullmatch("[0-9a-f]{16}", found["PKCS11_TOKEN_SERIAL"])
    assert pathlib.Path(found["PKCS11_MODULE"]).is_file()
    assert re.fullmatch("[0-9]{8}", found["PKCS11_PIN"]) and re.fullmatch("[0-9]{12}", found["PKCS11_SO_PIN"])
    assert "PKCS11_TOKEN_URI_2" not in found
    for name in ("URI", "LABEL", "SERIAL", "SLOT"):
        assert found[f"PKCS11_TOKEN_{name}_1"] == found[f"PKCS11_TOKEN_{name}"]
    folder = found["SOFTHSM_FIXTURE_DIRECTORY"]
    for name in ("SOFTHSM2_CONF", "OPENSSL_CONF", "XDG_CONFIG_HOME", "PKCS11_PIN_FILE", "PKCS11_SO_PIN_FILE"):
        assert found[name].startswith(folder + "/"), name
    assert "SOFTHSM_FIXTURES_INIT" not in found or "SOFTHSM_FIXTURES_INIT" in place.environment


def test_pin_files_are_private_and_right(place):
    done = place.run("run", "--", "sh", "-c", 'printf "%s %s\n" "$PKCS11_PIN" "$(cat "$PKCS11_PIN_FILE")"; '
                     'printf "%s %s\n" "$PKCS11_SO_PIN" "$(cat "$PKCS11_SO_PIN_FILE")"; '
                     'stat -c %a "$PKCS11_PIN_FILE" "$PKCS11_SO_PIN_FILE" "$SOFTHSM_FIXTURE_DIRECTORY"; '
                     'find "$SOFTHSM_FIXTURE_DIRECTORY" -type f -perm /077')
    user, officer, *modes = done.stdout.splitlines()
    assert len(set(user.split())) == 1 and len(set(officer.split())) == 1
    assert modes == ["600", "600", "700"], modes


def test_what_another_fixture_left_is_not_seen(place):
    stale = {"PKCS11_TOKEN_URI_2": "pkcs11:token=stale", "PKCS11_PIN_7": "stale", "PKCS11_FAULT_PLAN": "{}",
             "PKCS11_FAULT": "hang", "PKCS11_PIN": "stale", "SOFTHSM2_CONF": "/stale"}
    place.environment.update(stale, PKCS11_PIN_SOURCE="mine")
    found = place.variables()
    assert not [name for name, value in stale.items() if found.get(name) == value]
    assert found["PKCS11_PIN_SOURCE"] == "mine"


def test_no_module_is_a_skip_with_a_reason(place):
    place.environment["SOFTHSM2_MODULE"] = "/no/such/module.so"
    for command in (["run", "--", "true"], ["env"], ["shell"]):
        done = place.run(*command, status=77)
        assert done.stderr == 'softhsm-fixture: SOFTHSM2_MODULE names "/no/such/module.so", which is not a file\n'
        assert done.stdout == ""
    place.run("run", "--skip-status", "4", "--", "true", status=4)


def start_waiting(place, *options, script="sleep 60", **more):
    """A fixture whose command has begun."""
    process = place.start("run", *options, "--", "sh", "-c", f": >{place.folder}/{RUNNING}; {script}", **more)
    wait_until((place.folder / RUNNING).exists, "the command runs")
    (place.folder / RUNNING).unlink()
    return process


def test_signals_reach_the_command_and_all_is_removed(place):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
        process = start_waiting(place, script="exec sleep 60")
        process.send_signal(number)
        assert process.wait(timeout=20) == 128 + number, number
        assert place.left() == [], number


def test_a_command_may_handle_the_signal(place):
    process = start_waiting(place, script="trap 'exit 9' TERM; while :; do sleep 0.02; done")
    process.terminate()
    assert process.wait(timeout=20) == 9
    process = start_waiting(place, script="trap : TERM; n=0; while [ $n -lt 25 ]; do sleep 0.02; n=$((n + 1)); done; exit 3")
    process.terminate()
    assert process.wait(timeout=20) == 3


def test_an_ignored_signal_stays_ignored(place):
    process = start_waiting(place, script="kill -HUP $$; exit 5",
                            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert process.wait(timeout=20) == 5
    process = start_waiting(place, script="exec sleep 60")
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=20) == 128 + signal.SIGHUP


def test_a_caller_that_ignores_sigchld(place):
    process = place.start("run", "--", "sh", "-c", "exit 6",
                          preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    process.communicate(timeout=30)
    assert process.returncode == 6


def test_a_caller_that_holds_sigchld_back(place):
    held = {"preexec_fn": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})}
    place.run("run", "--", "sh", "-c", "sleep 0.1; exit 7", status=7, timeout=20, **held)


def test_a_signal_while_tokens_are_made(place):
    for delay in (0.001, 0.005, 0.01, 0.02, 0.03):
        process = place.start("run", *["--token=x"] * 5, "--", "sleep", "60")
        try:
            process.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            pass
        process.terminate()
        # Before its first instruction the signal ends it as any program.
        assert process.wait(timeout=20) in (128 + signal.SIGTERM, -signal.SIGTERM)
        process.communicate()
        assert place.left() == [], delay


def test_the_whole_group_killed_at_once(place):
    process = start_waiting(place, script="exec sleep 60", start_new_session=True)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=20)
    wait_until(lambda: place.left() == [], "the folder goes after SIGKILL")


def test_killed_alone_the_folder_outlives_the_command(place):
    script = (f"while [ ! -e {place.folder}/go ]; do sleep 0.02; done; "
              f"test -e \"$SOFTHSM2_CONF\" && : >{place.folder}/there")
    process = start_waiting(place, script=script)
    process.kill()
    process.wait(timeout=20)
    assert len(place.left()) == 1
    place.file("go", "")
    wait_until(lambda: place.left() == [], "the folder goes when the command has ended")
    assert (place.folder / "there").exists()


def test_tokens_of_other_modules_go_as_well(place):
    modules = json.loads(place.run("modules", "--json").stdout)["modules"]
    others = [module["name"] for module in modules if module["usable"]][1:]
    if not others:
        raise Skip("no module but SoftHSM is usable here")
    for name in others:
        process = start_waiting(place, "--module", name, script="exec sleep 60")
        process.terminate()
        assert process.wait(timeout=20) == 128 + signal.SIGTERM, name
        assert place.left() == [], name
        process = start_waiting(place, "--module", name, script="exec sleep 60", start_new_session=True)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=20)
        wait_until(lambda: place.left() == [], f"the folder of {name} goes after SIGKILL")


def test_a_daemon_does_not_hold_it_up(place):
    done = place.run("run", "--", "sh", "-c", "sleep 30 >/dev/null 2>&1 & echo $!", timeout=10)
    os.kill(int(done.stdout), signal.SIGKILL)


def test_nobody_reads_what_it_says(place):
    process = place.start("run", "--keep", "--", "sh", "-c", "exit 3")
    process.stderr.close()
    process.stdout.close()
    assert process.wait(timeout=30) == 3
    place.environment.pop("SOFTHSM_FIXTURES_KEEP", None)
    place.run("remove", "--all")


def test_closed_standard_descriptors(place):
    seen = place.folder / "seen"
    script = f'sleep 0.2; ls "$SOFTHSM_FIXTURE_DIRECTORY" >{seen}; exit 3'
    for closed in ("<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
        seen.unlink(missing_ok=True)
        done = subprocess.run(["sh", "-c", f'"$0" "$@" {closed}', str(harness.COMMAND), "run", "--", "sh", "-c", script],
                              env=place.environment, timeout=60, check=False)
        assert done.returncode == 3, (closed, done)
        assert "softhsm2.conf" in seen.read_text(), closed
    done = subprocess.run(["sh", "-c", '"$0" env >&-', str(harness.COMMAND)], env=place.environment, timeout=60, check=False,
                          stderr=subprocess.PIPE, text=True)
    assert done.returncode == 125 and "cannot write" in done.stderr, done


def test_memory_that_holds_few_files(place):
    """As in a container with little shared memory that others fill at the same time."""
    need("unshare", "mount")
    # Not in the place of the tests: that may be below what is mounted over.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as elsewhere:
        keys = pathlib.Path(elsewhere) / "keys.json"
        keys.write_text('[{"type": "aes", "label": "key-{n}", "count": 20}]', encoding="utf-8")
        run_in_little_memory(place, keys)


def run_in_little_memory(place, keys):
    environment = {name: value for name, value in place.environment.items() if name != "TMPDIR"}
    script = 'mount -t tmpfs -o size=64m,nr_inodes=12 tmpfs /dev/shm 2>/dev/null || exit 77; exec "$@"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", str(harness.COMMAND), "run", "--content", str(keys), "--",
                           "sh", "-c", 'ls /dev/shm | wc -l'], env=environment, timeout=60, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode == 77 or "unshare" in done.stderr:
        raise Skip("nothing can be mounted here")
    assert (done.returncode, done.stdout) == (0, "0\n"), done


def test_keep(place):
    done = place.run("run", "--keep", "--", "sh", "-c", 'echo "$PKCS11_TOKEN_URI"')
    folder = place.temporary / place.left()[0]
    assert str(folder) in done.stderr
    again = subprocess.run(["sh", "-c", f'. {folder}/environment.sh; echo "$PKCS11_TOKEN_URI"'], text=True, check=True,
                           stdout=subprocess.PIPE, env=place.environment)
    assert again.stdout == done.stdout
    place.run("remove", folder)
    place.environment["SOFTHSM_FIXTURES_KEEP"] = "1"
    place.run("run", "--", "true")
    assert len(place.left()) == 1
    place.run("remove", "--all")


def test_keep_on_failure(place):
    place.run("run", "--keep-on-failure", "--", "true")
    place.run("run", "--keep-on-failure", "--", "sh", "-c", "exit 77", status=77)
    assert place.left() == []
    place.run("run", "--keep-on-failure", "--", "false", status=1)
    assert len(place.left()) == 1
    place.run("remove", "--all")


def test_odd_temporary_folders(place):
    need("p11tool", "openssl")
    script = ('p11tool --provider "$PKCS11_MODULE" --list-tokens 2>/dev/null | grep -c "Label: here"; '
              'p11tool --list-tokens 2>/dev/null | grep -c "Label: here"; openssl version >/dev/null; echo $?')
    for name in ("two words", "quote'\"", "$HOME`x`", "back\\slash", "semi;colon&", "é", "-x", "star*[a]", "(b)"):
        folder = place.folder / name
        folder.mkdir()
        place.environment["TMPDIR"] = str(folder)
        done = place.run("run", "--token", "here", "--", "sh", "-c", script)
        assert done.stdout == "1\n1\n0\n", (name, done.stdout, done.stderr)
        assert not list(folder.iterdir()), name
    for name in ("hash#", "equals="):
        (place.folder / name).mkdir()
        place.environment["TMPDIR"] = str(place.folder / name)
        assert "TMPDIR" in place.run("run", "--", "true", status=125).stderr


def test_relative_temporary_folder(place):
    place.environment["TMPDIR"] = "tmp"
    assert place.variables()["SOFTHSM2_CONF"].startswith(str(place.temporary))


def test_temporary_folder_that_cannot_be_written(place):
    for folder in ("/no/such/folder", "/dev/null", "/proc"):
        place.environment["TMPDIR"] = folder
        done = place.run("run", "--", "true", status=125)
        assert folder in done.stderr and "TMPDIR" in done.stderr, done.stderr
    if os.geteuid() == 0:
        raise Skip("root may write into a read-only folder; the others were tried")
    place.temporary.chmod(0o500)
    place.environment["TMPDIR"] = str(place.temporary)
    assert "TMPDIR" in place.run("run", "--", "true", status=125).stderr


def test_no_key_in_what_is_said_of_bad_content(place):
    for text in ('[{"type": "aes", "value": "0011223344556677\n"}]', '[{"type": "aes", "value": "0011223344556677"x}]',
                 '[{"type": "aes", "value": "0011223344556677zz"}]', '[]\0"0011223344556677"', '[{"type": "aes", "value": "0011223344556677'):
        done = place.run("run", "--content", place.file("keys.json", text), "--", "true", status=125)
        assert "keys.json" in done.stderr and "0011223344556677" not in done.stderr, done.stderr


def test_bare_environment(place):
    place.environment = {name: value for name, value in place.environment.items()
                         if name in ("TMPDIR", "SOFTHSM_FIXTURES_INIT", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS")}
    done = place.run("run", "--", "sh", "-c", 'echo "$HOME:$PKCS11_TOKEN_COUNT"')
    assert done.stdout == ":1\n"


def test_many_at_once(place):
    script = 'softhsm2-util --show-slots | grep -c "Initialized:      yes"; echo "$PKCS11_TOKEN_SERIAL"'
    need("softhsm2-util")
    running = [place.start("run", "--token", "same", "--", "sh", "-c", script) for _ in range(16)]
    outputs = [process.communicate(timeout=60)[0].split() for process in running]
    assert all(process.returncode == 0 for process in running)
    assert all(output[0] == "1" for output in outputs), outputs
    assert len({output[1] for output in outputs}) == 16


def test_no_pin_in_any_arguments(place):
    """Looks at the arguments of all processes while tokens are made, over and over."""
    seen = set()
    pins = set()
    for _ in range(5):
        process = place.start("run", *["--token=x"] * 3, "--", "sh", "-c", 'echo "$PKCS11_PIN_1 $PKCS11_PIN_2 $PKCS11_PIN_3 '
                              '$PKCS11_SO_PIN_1 $PKCS11_SO_PIN_2 $PKCS11_SO_PIN_3"; sleep 0.05')
        while process.poll() is None:
            for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(entry.read_bytes())
                except OSError:
                    continue
        pins.update(process.communicate()[0].split())
    assert len(pins) == 30
    assert any(b"softhsm-fixture-init" in words for words in seen), "the helper was never seen: look more often"
    assert not [pin for pin in pins if any(pin.encode() in words for words in seen)]


def test_verbose_says_what_is_made_and_no_secret(place):
    done = place.run("run", "-v", "--token", "loud", "--", "sh", "-c", 'echo "$PKCS11_PIN $PKCS11_SO_PIN"')
    assert '"loud"' in done.stderr and "OpenSSL by" in done.stderr and "p11-kit by" in done.stderr
    assert not [pin for pin in done.stdout.split() if pin in done.stderr]


def test_fixture_in_a_fixture(place):
    script = 'a=$PKCS11_TOKEN_URI; "$0" run --token inner -- sh -c \'echo "$PKCS11_TOKEN_LABEL" "$PKCS11_TOKEN_LABEL_2"\'; ' \
             'test "$a" = "$PKCS11_TOKEN_URI"; p11tool --list-tokens 2>/dev/null | grep -c "Label: outer"'
    need("p11tool")
    done = place.run("run", "--token=outer", "--token=outer2", "--", "sh", "-c", script, harness.COMMAND)
    assert done.stdout == "inner \n2\n", done.stdout


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
