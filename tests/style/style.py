#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks how the source is built up.

usage: style.py layers|headers|public-headers|sizes|licences SOURCE_ROOT [COMPILER ARGUMENT...]

layers          includes go only from a folder to the folders below it
public-headers  installed headers include the standard library, Botan and installed headers of Keyway
headers         every header compiles alone (with COMPILER and its arguments)
sizes           no source file has over 500 lines
licences        every source file begins with its SPDX line
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys

# Which folders of lib/keyway each folder may include, itself aside.
LAYERS = {
    "core": [],
    "options": ["core"],
    "config": ["options", "core"],
    "key": ["config", "options", "core"],
    "pkcs11": ["key", "config", "options", "core"],
    "database": ["key", "config", "options", "core"],
    "backends/hsm": ["pkcs11", "key", "config", "options", "core"],
    "backends/file": ["key", "config", "options", "core"],
    "backends/database": ["database", "key", "config", "options", "core"],
    "x509": ["key", "config", "options", "core"],
    "authority": ["x509", "database", "key", "config", "options", "core"],
    "keyring": ["authority", "x509", "backends/hsm", "backends/file", "backends/database", "database", "pkcs11", "key",
                "config", "options", "core"],
}

# Classes of Botan's are derived from in these folders only.
DERIVING = ["pkcs11/keys", "x509", "core", "key"]

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
LONGEST_FILE = 500


def layer_of(path):
    """The layer of an include path below keyway/: "backends/hsm", "key"."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "backends" else parts[0]


def sources(root, *folders):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".cpp", ".hpp", ".h", ".c"):
                yield path


def is_internal(path):
    return path.name.endswith("_internal.hpp")


def check_layers(root):
    lib = root / "lib" / "keyway"
    for path in sources(root, "lib"):
        layer = layer_of(str(path.relative_to(lib)))
        if layer not in LAYERS:
            yield f"{path}: {layer} is no known layer: add it to LAYERS"
            continue
        text = path.read_text()
        for included in INCLUDE.findall(text):
            if included.startswith("keyway/"):
                target = layer_of(included.removeprefix("keyway/"))
                if target != layer and target not in LAYERS[layer]:
                    yield f"{path}: {layer} must not include {included}"
            elif (root / "lib" / "keyway" / included).exists() or (path.parent / included).exists():
                yield f"{path}: include {included} by its whole path"
        folder = str(path.parent.relative_to(lib))
        if re.search(r":\s*(public\s+)?Botan::\w+", text) and re.search(r"class[^;{]*:\s*public\s+Botan::", text):
            if not any(folder == d or folder.startswith(d + "/") for d in DERIVING):
                yield f"{path}: derives from a class of Botan's outside {', '.join(DERIVING)}"
    for path in sources(root, "softhsm_fixtures"):
        for included in INCLUDE.findall(path.read_text()):
            if included.startswith("keyway/"):
                yield f"{path}: softhsm_fixtures must not include {included}"
    for path in sources(root, "tools"):
        for included in INCLUDE.findall(path.read_text()):
            if included.endswith("_internal.hpp") and included.startswith("keyway/"):
                yield f"{path}: tools include installed headers only, not {included}"


def check_public_headers(root):
    for path in sources(root, "lib"):
        if path.suffix != ".hpp" or is_internal(path):
            continue
        for included in INCLUDE.findall(path.read_text()):
            if included.endswith("_internal.hpp"):
                yield f"{path}: an installed header includes {included}, which is not"
            elif "/" in included and not included.startswith(("keyway/", "botan/", "sys/")):
                yield f"{path}: an installed header includes {included}"
            elif "/" not in included and included.endswith((".h", ".hpp")):
                yield f"{path}: an installed header includes {included}"


def check_headers(root, compiler):
    def compiles(path):
        done = subprocess.run([*compiler, "-fsyntax-only", "-x", "c++", "-include", str(path), "/dev/null"],
                              capture_output=True, text=True, check=False)
        return f"{path} does not compile alone:\n{done.stderr}" if done.returncode else None

    # What a source file of the build includes first was compiled alone already.
    folders = ("lib", "softhsm_fixtures/softhsm_fixtures")
    first = {match[1] for path in sources(root, *folders) if path.suffix == ".cpp" and (match := INCLUDE.search(path.read_text()))}
    headers = [path for path in sources(root, *folders)
               if path.suffix == ".hpp" and not any(path.as_posix().endswith(f"/{name}") for name in first)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        yield from filter(None, pool.map(compiles, headers))


def check_sizes(root):
    for path in sources(root, "lib", "tools", "softhsm_fixtures", "tests"):
        lines = len(path.read_text().splitlines())
        if lines > LONGEST_FILE:
            yield f"{path}: {lines} lines: is it two things?"


def check_licences(root):
    for path in sources(root, "lib", "tools", "softhsm_fixtures", "tests"):
        # C has comments of its own.
        first = "/* {} */\n" if path.suffix in (".c", ".h") else "// {}\n"
        if not path.read_text().startswith(first.format("SPDX-License-Identifier: BSD-2-Clause")):
            yield f"{path}: does not begin with its SPDX line"
    scripts = [p for folder in ("script", "tests", "softhsm_fixtures") for p in (root / folder).rglob("*") if p.suffix in (".py", ".sh", "")]
    for path in sorted(p for p in scripts if p.is_file() and p.read_bytes().startswith(b"#!")):
        if "# SPDX-License-Identifier: BSD-2-Clause" not in path.read_text().splitlines()[1]:
            yield f"{path}: has no SPDX line behind its first"


def main():
    check, root = sys.argv[1], pathlib.Path(sys.argv[2])
    faults = list({
        "layers": lambda: check_layers(root),
        "public-headers": lambda: check_public_headers(root),
        "headers": lambda: check_headers(root, sys.argv[3:]),
        "sizes": lambda: check_sizes(root),
        "licences": lambda: check_licences(root),
    }[check]())
    for fault in faults:
        print(fault)
    return 1 if faults else 0


sys.exit(main())
