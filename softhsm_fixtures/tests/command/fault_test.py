#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests the options and subcommands about faults, and the fault module under programs that were not written for it."""
import json
import re
import stat
import subprocess
import sys
import time

import harness
from harness import Skip, need, need_file, need_plain_build

PLAN = '{"faults": [{"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR", "at": 1}]}'
SIGN = 'openssl pkeyutl -sign -inkey "$PKCS11_TOKEN_URI;object=k;type=private" -rawin -digest sha256 -in data -out signature'
GENERATE = ('pkcs11-tool --module "$PKCS11_MODULE" --login --pin env:PKCS11_PIN --token-label "$PKCS11_TOKEN_LABEL" '
            '--keypairgen --key-type EC:prime256v1 --id 01 --label k >/dev/null 2>&1')

BAD = (("--fault", "nonsense function=C_Sign", '"nonsense"', "session-lost"),
       ("--fault", "return function=C_Nonsense", '"C_Nonsense"', "C_FindObjectsInit"),
       ("--fault", "return function=C_Sign rv=CKR_NONSENSE", '"CKR_NONSENSE"', "CKR_DEVICE_REMOVED"),
       ("--fault", "return function=C_Sign nonsense=1", '"nonsense"', "rv"),
       ("--fault-profile", "nonsense", '"nonsense"', "yubihsm2"),
       ("--fault-seed", "many", '"many"', "number"))


def test_bad_faults_are_refused_before_all_else(place):
    # Nothing was looked for either, or this would be the reason.
    place.environment["SOFTHSM2_MODULE"] = "/no/such/module"
    for option, value, named, known in BAD:
        for command in (["run", "-v", option, value, "--", "true"], ["env", option, value], ["shell", option, value]):
            done = place.run(*command, status=125)
            assert named in done.stderr and known in done.stderr and option in done.stderr, done.stderr
            assert done.stdout == "" and 'folder "' not in done.stderr


def test_bad_plans_are_refused(place):
    for text, named in (("", "plan"), ("{", "plan"), ("[]", "plan"), ('{"nonsense": 1}', "nonsense"),
                        ('{"faults": [{"fault": "nonsense"}]}', "session-lost"), ("\x00", "plan")):
        plan = place.file("plan.json", text)
        done = place.run("check-plan", plan, status=1)
        assert named in done.stderr and "plan.json" in done.stderr, done.stderr
        place.run("run", "--fault-plan", plan, "--", "true", status=125)
    for path in ("/no/such/plan", str(place.folder)):
        assert path in place.run("check-plan", path, status=1).stderr
        assert path in place.run("run", "--fault-plan", path, "--", "true", status=125).stderr
    place.run("run", "--fault-plan", "", "--", "true", status=125)
    place.run("check-plan", status=2)


def test_good_plan(place):
    plan = place.file("plan.json", PLAN)
    done = place.run("check-plan", plan)
    assert done.stdout == done.stderr == ""


def test_variables_of_the_fault_module(place):
    plan = place.file("plan.json", PLAN)
    real = place.variables()["PKCS11_MODULE"]
    found = place.variables("--fault-plan", "plan.json", "--fault-profile", "yubihsm2", "--fault",
                            "slow ms=1 function=C_Sign", "--fault", "hang ms=2 function=C_Sign", "--fault-seed", "7", "--fault-log", "my.log")
    assert found["PKCS11_MODULE"].rsplit("/", 1)[1] in ("libpkcs11-fault.so", "libpkcs11-fault.dylib")
    folder = found["SOFTHSM_FIXTURE_DIRECTORY"]
    assert {name: value for name, value in found.items() if name.startswith("PKCS11_FAULT")} == {
        "PKCS11_FAULT": "slow ms=1 function=C_Sign; hang ms=2 function=C_Sign",
        "PKCS11_FAULT_CONTROL": f"{folder}/fault-control.jsonl",
        "PKCS11_FAULT_COUNTERS": f"{folder}/fault-counters",
        "PKCS11_FAULT_LOG": str(place.folder / "my.log"),
        "PKCS11_FAULT_MODULE": real,
        "PKCS11_FAULT_PLAN": str(plan),
        "PKCS11_FAULT_PROFILE": "yubihsm2",
        "PKCS11_FAULT_SEED": "7",
    }
    assert not [name for name in place.variables() if name.startswith("PKCS11_FAULT")]


def test_files_that_a_plan_names_are_used(place):
    place.file("plan.json", '{"log": "plan.log"}')
    found = place.variables("--fault-plan", "plan.json")
    assert found["PKCS11_FAULT_LOG"] == str(place.folder / "plan.log")


def test_no_fault_module(place):
    place.environment["SOFTHSM_FIXTURES_FAULT_MODULE"] = "/no/such/file.so"
    done = place.run("run", "--fault-module", "--", "true", status=125)
    assert '"/no/such/file.so"' in done.stderr and "SOFTHSM_FIXTURES_FAULT_MODULE" in done.stderr
    place.run("run", "--", "true")


def test_control_lines_are_checked_and_added(place):
    control = place.folder / "control"
    good = ['{"fault": "session-lost", "sessions": "all"}', '{"clear": "all"}', '{"release": "hangs"}']
    for line in good:
        place.run("fault", control, line)
    assert control.read_text(encoding="utf-8").splitlines() == good
    assert stat.S_IMODE(control.stat().st_mode) == 0o600
    for line, named in (('{"fault": "nonsense"}', "session-lost"), ("", "JSON"), ("{", "JSON"), ("{}\n{}", "line"),
                        ('{"nonsense": 1}', "nonsense")):
        done = place.run("fault", control, line, status=1)
        assert named in done.stderr, (line, done.stderr)
    assert control.read_text(encoding="utf-8").splitlines() == good
    assert "PKCS11_FAULT_CONTROL" in place.run("fault", good[0], status=2).stderr
    place.environment["PKCS11_FAULT_CONTROL"] = str(control)
    place.run("fault", good[0])
    assert len(control.read_text(encoding="utf-8").splitlines()) == 4
    assert "/no/such" in place.run("fault", "/no/such/control", good[0], status=1).stderr


def test_listings_as_json(place):
    faults = json.loads(place.run("faults", "--json").stdout)
    text = place.run("faults").stdout
    assert len(faults["faults"]) >= 20
    for fault in faults["faults"]:
        assert f"\n{fault['name']}: " in "\n" + text
        example = json.loads(fault["example"])
        assert example["fault"] == fault["name"]
        place.file("plan.json", json.dumps({"faults": [example]}))
        place.run("check-plan", "plan.json")
    assert {"at", "every", "function"} <= {member["name"] for member in faults["at-calls"]}
    profiles = json.loads(place.run("profiles", "--json").stdout)
    assert [profile["name"] for profile in profiles] == [line.split()[0] for line in place.run("profiles").stdout.splitlines()]
    assert all(line["source"] for profile in profiles for line in profile["lines"])
    modules = json.loads(place.run("modules", "--json").stdout)
    names = [module["name"] for module in modules["modules"]]
    assert names[0] == "softhsm2" and len(set(names)) == len(names)
    assert all((module["absence"] is None) == module["usable"] for module in modules["modules"])
    assert all(capability["name"] in modules["capabilities"] for module in modules["modules"]
               for capability in module["capabilities"])


def test_modules_tell_why_one_is_not_usable(place):
    place.environment["SOFTHSM2_MODULE"] = "/no/such/module"
    softhsm = json.loads(place.run("modules", "--json").stdout)["modules"][0]
    assert softhsm["path"] is None and not softhsm["usable"] and "/no/such/module" in softhsm["absence"]
    assert "/no/such/module" in place.run("modules").stdout


def test_counters_on_a_full_disk_are_refused(place):
    need("unshare", "mount", "pkcs11-tool")
    need_plain_build()
    script = ('mount -t tmpfs -o size=16k tmpfs /mnt 2>/dev/null || exit 77; head -c 16384 /dev/zero >/mnt/all; '
              '"$@"; status=$?; rm /mnt/all; "$@" >/dev/null || exit 3; exit $status')
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", str(harness.COMMAND), "run", "--fault-counters", "/mnt/counters",
                           "--fault", "slow function=C_Login ms=0", "--", "sh", "-c", 'pkcs11-tool --module "$PKCS11_MODULE" -L'],
                          env=place.environment, timeout=60, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode == 77 or "unshare" in done.stderr:
        raise Skip("nothing can be mounted here")
    assert done.returncode == 1 and 'counter file "/mnt/counters" cannot be written' in done.stderr, done


def test_counters_of_something_else(place):
    for name, text in (("empty", ""), ("text", "x" * 64), ("short", "C_Sign")):
        assert name in place.run("counters", place.file(name, text), status=1).stderr
    assert "/no/such" in place.run("counters", "/no/such", status=1).stderr
    assert "PKCS11_FAULT_COUNTERS" in place.run("counters", status=2).stderr


def counters(text):
    return {name: values["calls"] for name, values in json.loads(text).items() if values["calls"]}


def test_pkcs11_tool_wrong_pin(place):
    need_plain_build()
    need("pkcs11-tool")
    script = ('pkcs11-tool --module "$PKCS11_MODULE" --login --pin env:PKCS11_PIN --list-objects 2>&1; '
              f'{harness.COMMAND} counters --json >counted; cp "$PKCS11_FAULT_LOG" log')
    done = place.run("run", "--fault", "pin-rejected", "--", "sh", "-c", script)
    assert "CKR_PIN_INCORRECT" in done.stdout, done.stdout
    assert counters((place.folder / "counted").read_text(encoding="utf-8"))["C_Login"] == 1
    done = place.run("run", "--fault-module", "--", "sh", "-c", script)
    assert "CKR_" not in done.stdout, done.stdout


def test_pkcs11_tool_slow_calls(place):
    need_plain_build()
    need("pkcs11-tool")
    begun = time.monotonic()
    place.run("run", "--fault", "slow ms=700 function=C_OpenSession at=1", "--", "sh", "-c",
              'pkcs11-tool --module "$PKCS11_MODULE" --list-objects >/dev/null 2>&1')
    assert time.monotonic() - begun > 0.7


def test_pkcs11_tool_device_removed_and_back(place):
    need_plain_build()
    need("pkcs11-tool")
    show = 'pkcs11-tool --module "$PKCS11_MODULE" --list-slots 2>&1; echo ----; '
    done = place.run("run", "--fault-module", "--token", "removable", "--", "sh", "-c",
                     f"{show} {harness.COMMAND} fault '{{\"fault\": \"device-removed\", \"function\": \"all\"}}'; {show}"
                     f"{harness.COMMAND} fault '{{\"clear\": \"all\"}}'; {show}")
    before, removed, after, _ = done.stdout.split("----\n")
    assert "removable" in before and "removable" in after, done.stdout
    assert "removable" not in removed, removed


def test_no_secret_in_the_log(place):
    need_plain_build()
    need("pkcs11-tool")
    script = f'{GENERATE}; cp "$PKCS11_FAULT_LOG" log; echo "$PKCS11_PIN $PKCS11_SO_PIN"'
    pins = place.run("run", "--fault-module", "--", "sh", "-c", script).stdout.split()
    log = (place.folder / "log").read_text(encoding="utf-8")
    assert '"C_Login"' in log and '"C_GenerateKeyPair"' in log
    assert not [pin for pin in pins if pin in log]
    assert not [pin for pin in pins if "".join(f"{ord(digit):02x}" for digit in pin) in log.lower()]


def openssl_with_pkcs11():
    need_plain_build()
    need("openssl", "pkcs11-tool")
    need_file("/usr/lib/*/ossl-modules/pkcs11.so", "/usr/lib64/ossl-modules/pkcs11.so", "/usr/lib/ossl-modules/pkcs11.so")


def test_openssl_provider_meets_a_fault_and_recovers(place):
    openssl_with_pkcs11()
    place.file("data", "signed")
    tell = f"{harness.COMMAND} fault"
    script = (f"{GENERATE}; {SIGN}; echo plain $?; "
              f"{tell} '{{\"fault\": \"return\", \"function\": \"C_Sign\", \"rv\": \"CKR_DEVICE_ERROR\"}}'; {SIGN} 2>&1; echo fault $?; "
              f"{tell} '{{\"clear\": \"all\"}}'; {SIGN}; echo cleared $?; "
              'openssl pkey -in "$PKCS11_TOKEN_URI;object=k;type=public" -pubin -pubout -out public.pem && '
              "openssl dgst -sha256 -verify public.pem -signature signature data; "
              f"{harness.COMMAND} counters --json >counted")
    lines = place.run("run", "--fault-module", "--", "sh", "-c", script).stdout.splitlines()
    assert "plain 0" in lines and "fault 1" in lines and "cleared 0" in lines and "Verified OK" in lines, lines
    signed = json.loads((place.folder / "counted").read_text(encoding="utf-8"))["C_Sign"]
    assert signed["calls"] == 3 and signed["failed"] == signed["injected"] == 1, signed


def test_openssl_corrupt_signature(place):
    openssl_with_pkcs11()
    place.file("data", "signed")
    script = (f"{GENERATE}; {SIGN}; "
              'openssl pkey -in "$PKCS11_TOKEN_URI;object=k;type=public" -pubin -pubout -out public.pem; '
              "openssl dgst -sha256 -verify public.pem -signature signature data")
    place.run("run", "--", "sh", "-c", script)
    done = place.run("run", "--fault", "corrupt-signature", "--", "sh", "-c", script, status=1)
    assert "Verification failure" in done.stdout, done


def test_openssl_keeps_what_it_has_otherwise(place):
    need("openssl")
    done = place.run("run", "--", "sh", "-c", "openssl list -providers; openssl req -new -newkey ec -pkeyopt "
                     "ec_paramgen_curve:P-256 -nodes -keyout key.pem -subj /CN=x -out request.pem 2>&1; echo made $?")
    assert "  default\n" in done.stdout and "made 0" in done.stdout, done.stdout
    own = place.file("own.cnf", "openssl_conf = mine\n[mine]\noid_section = ids\n[ids]\nmyName = 1.2.3.4.5.6\n")
    place.environment["OPENSSL_CONF"] = str(own)
    done = place.run("run", "--", "sh", "-c", "openssl asn1parse -genstr OID:myName; openssl list -providers")
    assert "myName" in done.stdout and "  default\n" in done.stdout, done.stdout
    assert place.variables("--no-openssl")["OPENSSL_CONF"] == str(own)


def test_openssl_engine(place):
    need("openssl", "pkcs11-tool")
    engine = need_file("/usr/lib/*/engines-3/pkcs11.so", "/usr/lib64/engines-3/pkcs11.so")
    place.file("data", "signed")
    # As on a machine without the provider.
    configuration = ("openssl_conf = init\n[init]\nengines = list\n[list]\npkcs11 = one\n[one]\nengine_id = pkcs11\n"
                     f"dynamic_path = {engine}\nMODULE_PATH = $ENV::PKCS11_MODULE\nPIN = $ENV::PKCS11_PIN\ninit = 0\n")
    place.file("engine.cnf", configuration)
    done = place.run("run", "--no-openssl", "--", "sh", "-c", f"{GENERATE}; OPENSSL_CONF=engine.cnf openssl dgst -engine pkcs11 "
                     '-keyform engine -sign "$PKCS11_TOKEN_URI;object=k;type=private" -sha256 -out signature data 2>&1')
    assert (place.folder / "signature").stat().st_size > 60, done.stdout


def test_p11_kit_sees_the_module_once(place):
    need_plain_build()
    need("p11-kit", "p11tool")
    plain = place.as_plain_user()
    script = "p11-kit list-modules 2>/dev/null; echo ----; p11tool --list-tokens 2>/dev/null"
    for options, module in (([], "libsofthsm2.so"), (["--fault-module"], "libpkcs11-fault.so")):
        done = place.run("run", "--token", "seen once", *options, "--", "sh", "-c", script, **plain)
        modules, tokens = done.stdout.split("----\n")
        assert modules.count("token: seen once") == 1, modules
        assert re.search(rf"^softhsm2: .*{module}$|^ +path: .*{module}$", modules, re.M), modules
        assert tokens.count("Label: seen once") == 1, tokens


def test_a_module_that_loads_the_fault_module_does_not_hang(place):
    need_plain_build()
    proxy = need_file("/usr/lib/*/p11-kit-proxy.so", "/usr/lib64/p11-kit-proxy.so")
    plain = place.as_plain_user()
    module = place.variables("--fault-module")["PKCS11_MODULE"]
    modules = place.folder / "pkcs11" / "modules"
    modules.mkdir(parents=True)
    (modules / "fault.module").write_text(f"module: {module}\n", encoding="utf-8")
    (modules.parent / "pkcs11.conf").write_text("user-config: only\n", encoding="utf-8")
    script = (f"import ctypes; ctypes.CDLL({module!r}).C_GetFunctionList(ctypes.byref(ctypes.c_void_p()))")
    environment = dict(place.environment, XDG_CONFIG_HOME=str(place.folder), PKCS11_FAULT_MODULE=str(proxy))
    # The interpreter that runs this may be one that a plain user cannot reach.
    done = subprocess.run([need_file("/usr/bin/python3"), "-c", script], env=environment, timeout=20, check=True, text=True,
                          stderr=subprocess.PIPE, **plain)
    assert "loads the fault module" in done.stderr, done.stderr


def test_p11tool_meets_a_fault(place):
    need_plain_build()
    need("p11tool")
    plain = place.as_plain_user()
    script = f'p11tool --login --list-all "$PKCS11_TOKEN_URI" 2>&1; {harness.COMMAND} counters --json >counted'
    done = place.run("run", "--fault", "pin-rejected", "--", "sh", "-c", script, **plain)
    assert "PIN" in done.stdout, done.stdout
    assert counters((place.folder / "counted").read_text(encoding="utf-8"))["C_Login"] >= 1
    done = place.run("run", "--fault-module", "--", "sh", "-c", script, **plain)
    assert "rror" not in done.stdout, done.stdout


def test_p11tool_with_provider_works_for_root(place):
    need_plain_build()
    need("p11tool")
    script = ('p11tool --provider "$PKCS11_MODULE" --login --generate-privkey ecdsa --curve secp256r1 --label made '
              '"$PKCS11_TOKEN_URI" >/dev/null 2>&1; p11tool --provider "$PKCS11_MODULE" --login --list-all "$PKCS11_TOKEN_URI"')
    done = place.run("run", "--fault-module", "--", "sh", "-c", script)
    assert "Label: made" in done.stdout, done


def test_users_own_configuration_stays_reachable(place):
    own = place.folder / "own config"
    (own / "pkcs11" / "modules").mkdir(parents=True)
    (own / "git").mkdir()
    (own / "git" / "config").write_text("mine", encoding="utf-8")
    for name in ("other.module", "softhsm2.module"):
        (own / "pkcs11" / "modules" / name).write_text("module: /no/such/module.so\n", encoding="utf-8")
    place.environment["XDG_CONFIG_HOME"] = str(own)
    script = ('cat "$XDG_CONFIG_HOME/git/config"; echo; cat "$XDG_CONFIG_HOME/pkcs11/modules/other.module" '
              '"$XDG_CONFIG_HOME/pkcs11/modules/softhsm2.module"; echo "$PKCS11_MODULE"')
    lines = place.run("run", "--", "sh", "-c", script).stdout.splitlines()
    assert lines == ["mine", "module: /no/such/module.so", f"module: {lines[-1]}", lines[-1]], lines
    assert (own / "git" / "config").read_text(encoding="utf-8") == "mine"
    assert place.variables("--no-p11-kit")["XDG_CONFIG_HOME"] == str(own)


def test_java_finds_the_token(place):
    need_plain_build()
    need("keytool", "pkcs11-tool")
    for options in ([], ["--fault-module"]):
        done = place.run("run", *options, "--", "sh", "-c", f"{GENERATE}; keytool -list -storetype PKCS11 -keystore NONE "
                         "-addprovider SunPKCS11 -providerarg \"$PKCS11_JAVA_CONFIG\" -storepass:env PKCS11_PIN; echo $?")
        assert "SunPKCS11-fixture" in done.stdout and done.stdout.endswith("\n0\n"), done


def usable_modules(place):
    return [module["name"] for module in json.loads(place.run("modules", "--json").stdout)["modules"] if module["usable"]]


def test_every_usable_module(place):
    need_plain_build()
    need("pkcs11-tool")
    for name in usable_modules(place):
        done = place.run("run", "--module", name, "--token", "one", "--", "sh", "-c", 'pkcs11-tool --module "$PKCS11_MODULE" '
                         '--list-token-slots 2>/dev/null; echo "slot $PKCS11_TOKEN_SLOT"; '
                         'pkcs11-tool --module "$PKCS11_MODULE" --login --pin env:PKCS11_PIN --slot "$PKCS11_TOKEN_SLOT" -O 2>&1')
        assert re.search(r"token label +: one\b", done.stdout), (name, done)
        assert re.search(r"^slot \d+$", done.stdout, re.M) and "CKR_" not in done.stdout, (name, done)
        print(f"  {name}: ok")


def test_modules_by_capability(place):
    capabilities = json.loads(place.run("modules", "--json").stdout)["capabilities"]
    place.run("run", "--need", "init-token", "--", "true")
    done = place.run("run", "--need", "no-such-capability", "--", "true", status=125)
    assert '"no-such-capability"' in done.stderr and capabilities[0] in done.stderr
    done = place.run("run", "--module", "no-such-module", "--", "true", status=125)
    assert "softhsm2" in done.stderr
    place.environment["SOFTHSM2_MODULE"] = "/no/such/module"
    place.run("run", "--module", "softhsm2", "--need", "init-token", "--", "true", status=77)


def test_several_tokens_are_for_softhsm_only(place):
    if "nss-softokn" not in usable_modules(place):
        raise Skip("NSS softokn is not installed")
    done = place.run("run", "--module", "nss-softokn", "--token", "a", "--token", "b", "--", "true", status=125)
    assert "nss-softokn" in done.stderr


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
