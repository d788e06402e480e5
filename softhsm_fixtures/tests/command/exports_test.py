#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests the fault module under a program that looks up each function by its name, as SoftHSM lets it."""
import pathlib
import re
import sys

import harness
from harness import need_plain_build

INC = pathlib.Path(__file__).resolve().parent.parent.parent / "fault" / "functions.inc"
LISTED = re.findall(r"^FUNCTION\((\w+)", INC.read_text(encoding="utf-8"), re.M)
GIVEN = ["C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"]

PROGRAM = """
import ctypes, os, sys
module = ctypes.CDLL(os.environ["PKCS11_MODULE"], mode=getattr(ctypes, sys.argv[1]))
long, byref = ctypes.c_ulong, ctypes.byref
def said(name, *arguments):
    return f"{name} {getattr(module, name)(*arguments):#x}"
print(said("C_Initialize", None))
info = ctypes.create_string_buffer(512)
print(said("C_GetInfo", info), said("C_GetInfo", info))
count = long()
print(said("C_GetSlotList", ctypes.c_ubyte(1), None, byref(count)))
slots = (long * count.value)()
module.C_GetSlotList(ctypes.c_ubyte(1), slots, byref(count))
session = long()
print(said("C_OpenSession", slots[0], long(6), None, None, byref(session)))
pin = os.environ["PKCS11_PIN"].encode()
print(said("C_Login", session, long(1), pin, long(len(pin))), said("C_LoginUser", session, long(1), pin, long(len(pin)), None, long(0)))
random = ctypes.create_string_buffer(32)
print(said("C_GenerateRandom", session, random, long(32)), any(random.raw))
print(said("C_Finalize", None))
"""

EXPECTED = """C_Initialize 0x0
C_GetInfo 0x30 C_GetInfo 0x0
C_GetSlotList 0x0
C_OpenSession 0x0
C_Login 0x0 C_LoginUser 0x54
C_GenerateRandom 0x0 True
C_Finalize 0x0
"""


def test_every_function_can_be_called_by_its_name(place):
    need_plain_build()
    for mode in ("RTLD_LOCAL", "RTLD_GLOBAL"):
        done = place.run("run", "--fault", "return function=C_GetInfo rv=CKR_DEVICE_ERROR at=1", "--", "sh", "-c",
                         '"$1" -c "$2" "$3"; "$0" counters', harness.COMMAND, sys.executable, PROGRAM, mode)
        assert done.stdout.startswith(EXPECTED), (mode, done)
        counted = dict(re.findall(r"^(C_\w+) +(\d+) calls", done.stdout, re.M))
        # Each was counted once: they are the functions of the list.
        assert counted["C_GetInfo"] == "2" and counted["C_GetSlotList"] == "2" and counted["C_Login"] == "1", counted


def test_a_bad_plan_is_told_by_any_function(place):
    need_plain_build()
    program = "import ctypes, os; module = ctypes.CDLL(os.environ['PKCS11_MODULE']); print(module.C_Initialize(None), module.C_Finalize(None))"
    done = place.run("run", "--fault-module", "--", "sh", "-c", 'PKCS11_FAULT=nonsense exec "$0" -c "$1"', sys.executable, program)
    assert done.stdout == "5 5\n" and '"nonsense"' in done.stderr, done


def test_the_names_are_those_of_the_standard(place):
    need_plain_build()
    module = pathlib.Path(place.variables("--fault-module")["PKCS11_MODULE"])
    program = ("import ctypes, sys; module = ctypes.CDLL(sys.argv[1]); "
               "print(*[name for name in sys.argv[2:] if hasattr(module, name)])")
    newer = LISTED[LISTED.index("C_LoginUser"):]
    assert len(LISTED) - len(newer) == 67
    for path, wanted in ((module, LISTED + GIVEN), (module.with_name("libpkcs11-fault-2.40" + module.suffix), LISTED[:67] + GIVEN[:1])):
        done = place.run("run", "--", sys.executable, "-c", program, path, *LISTED, *GIVEN)
        assert done.stdout.split() == wanted, (path, set(done.stdout.split()) ^ set(wanted))


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
