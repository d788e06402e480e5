#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes what the PKCS#11 header at hand calls the constants of the kit's tables: list_constants.py OUTPUT TABLE..."""
import pathlib
import re
import sys

ENTRY = re.compile(r'^\{"(CK[A-Z]_\w+)", 0x[0-9a-f]+\},$', re.M)


def main():
    output, *tables = sys.argv[1:]
    with open(output, "w", encoding="utf-8") as out:
        out.write("// SPDX-License-Identifier: BSD-2-Clause\n")
        for table in tables:
            names = ENTRY.findall(pathlib.Path(table).read_text(encoding="utf-8"))
            if not names:
                sys.exit(f"{table}: no constants")
            for name in names:
                out.write(f'#ifdef {name}\n{{"{name}", {name}}},\n#endif\n')


main()
