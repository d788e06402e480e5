#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the source that holds files: embed_profiles.py OUTPUT FILE..."""
import json
import pathlib
import sys


def pieces(text):
    """C++ string literals of a line each; an octal escape cannot swallow the letter behind it."""
    for line in text.splitlines(keepends=True):
        escaped = "".join(
            chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in line.encode())
        yield f'    "{escaped}"'


def main():
    output, *paths = sys.argv[1:]
    documents = []
    for path in sorted(map(pathlib.Path, paths), key=lambda p: p.stem):
        text = path.read_text(encoding="utf-8")
        if json.loads(text)["name"] != path.stem:
            sys.exit(f'{path}: its "name" is not the file\'s')
        documents.append(text)
    with open(output, "w", encoding="utf-8") as out:
        out.write("// SPDX-License-Identifier: BSD-2-Clause\n")
        out.write('#include "fault/profiles_data.hpp"\n\n')
        out.write("namespace pkcs11_fault {\nnamespace {\n\nconstexpr std::string_view documents[] = {\n")
        for text in documents:
            out.write("\n".join(pieces(text)) + ",\n")
        out.write("};\n\n} // namespace\n\n")
        out.write("std::span<const std::string_view> profile_documents() { return documents; }\n\n")
        out.write("} // namespace pkcs11_fault\n")


main()
