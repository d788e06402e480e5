#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Installs the build into a temporary folder and uses it from outside, by pkg-config: the library, the contract suite, the command.

usage: install_test.py SOURCE_ROOT BUILD_ROOT BOTAN_PKG_CONFIG_FOLDER COMPILER...
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile


def run(arguments, **more):
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=False, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, arguments))}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def code_in_readme(source):
    return re.search(r"```cpp\n(.*?)```", (source / "README.md").read_text(), re.S)[1]


def follow_tutorial(source, place, environment, compiler):
    """Does what docs/guides/write_a_backend.md says, with what is installed only."""
    guide = source / "docs" / "guides" / "write_a_backend.md"
    place.mkdir()
    run([source / "tests" / "contract" / "extract_code.py", guide, place,
         "folder_backend.hpp", "folder_backend.cpp", "contract.cpp", "acme_keyway.cpp"])
    script = "set -e\n" + "\n".join(re.findall(r"```sh\n(.*?)```", guide.read_text(), re.S))
    environment = {name: value for name, value in environment.items() if name != "KEYWAY_CONFIG"}
    output = run(["sh", "-c", script.replace("c++ -std", " ".join(compiler) + " -std")], cwd=place, env=environment)
    print(output)
    for expected in ("All tests passed", "keyway:1?backend=acme&type=folder&", "\nok\n"):
        if expected not in output:
            sys.exit(f"following {guide} did not give {expected!r}")


def main():
    source, build, botan = map(pathlib.Path, sys.argv[1:4])
    compiler = sys.argv[4:]
    with tempfile.TemporaryDirectory() as temporary:
        place = pathlib.Path(temporary)
        run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", place / "root"])
        configs = {p.parent for p in (place / "root").rglob("*.pc")}
        libraries = {p.parent for p in (place / "root").rglob("*.so")}
        environment = dict(os.environ, LD_LIBRARY_PATH=":".join(map(str, libraries)),
                           PKG_CONFIG_PATH=":".join(map(str, [*configs, botan])))
        flags = run(["pkg-config", "--cflags", "--libs", "keyway", "softhsm-fixtures"], env=environment).split()
        for forbidden in ("nlohmann", "p11-kit", "soci"):
            if forbidden in " ".join(flags):
                sys.exit(f"pkg-config hands {forbidden} on to users: {flags}")

        example = source / "docs" / "examples" / "sign.cpp"
        body = example.read_text().split("\n", 1)[1]
        if code_in_readme(source) != body:
            sys.exit("the C++ in README.md is not docs/examples/sign.cpp")
        for name, file in (("outside", source / "tests" / "install" / "outside.cpp"), ("sign", example)):
            run([*compiler, "-std=c++20", file, "-o", place / name, *flags], env=environment)

        work = place / "work"
        work.mkdir()
        init = next((place / "root").rglob("softhsm-fixture-init"))
        output = run([place / "outside", place / "sign"], cwd=work, env=dict(environment, SOFTHSM_FIXTURES_INIT=str(init)))
        print(output)
        lines = output.split("\n")
        if not all(sum(line.startswith(f"{name}: keyway:1?backend={name}&") for line in lines) == 1
                   for name in ("hsm", "file", "database")):
            sys.exit("not every backend was used")
        if not any(re.fullmatch("[0-9A-F]{128}", line) for line in lines):
            sys.exit("the example made no signature")
        follow_tutorial(source, place / "tutorial", environment, compiler)
        version = run([next((place / "root").rglob("bin/keyway")), "--version"], env=environment)
        print(version.strip())

        library = next(p for p in (place / "root").rglob("libkeyway.so"))
        symbols = [line.split(" ", 2)[-1] for line in run(["nm", "-DC", "--defined-only", library]).splitlines()]
        foreign = [s for s in symbols if "keyway::" not in s]
        print(f"{len(symbols)} exported symbols")
        if foreign:
            sys.exit("the library exports what is not Keyway's:\n" + "\n".join(foreign[:10]))


main()
