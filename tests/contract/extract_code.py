#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Takes the code out of a guide: the blocks ```cpp NAME, those of one name joined.

usage: extract_code.py GUIDE.md FOLDER NAME...

Fails when the guide has other names, or the code of a backend is longer than the guide promises.
"""
import pathlib
import re
import sys

LONGEST_BACKEND = 150


def main():
    guide, folder, names = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    files = {}
    for name, code in re.findall(r"^```cpp (\S+)\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.S | re.M):
        files[name] = files.get(name, "") + code
    if sorted(files) != sorted(names):
        sys.exit(f"{guide} has the files {sorted(files)}, not {sorted(names)}")
    lines = sum(code.count("\n") for name, code in files.items() if name.startswith("folder_backend."))
    print(f"{guide}: a backend in {lines} lines")
    if lines >= LONGEST_BACKEND:
        sys.exit(f"{guide}: the backend has {lines} lines, which is not under {LONGEST_BACKEND}")
    for name, code in files.items():
        (folder / name).write_text(code, encoding="utf-8")


main()
