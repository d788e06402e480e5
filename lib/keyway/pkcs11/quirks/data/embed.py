#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes quirk profiles as C++, so that the library has them wherever it runs.

usage: embed.py OUTPUT PROFILE...

The library's own parser decides whether they are right, in its tests; here is refused what would not even arrive there.
"""
import json
import pathlib
import sys


def literal(text):
    # Adjacent literals, as compilers need not take long ones; JSON's escapes of ASCII text are C++'s.
    return "\n".join("     " + json.dumps(line) for line in text.splitlines(keepends=True))


def entry(path):
    text = path.read_text(encoding="utf-8")
    if not text.isascii():
        sys.exit(f"{path}: is not ASCII")
    if json.loads(text).get("name") != path.stem:
        sys.exit(f"{path}: the profile's name is not that of its file")
    return f"    {{\"{path.name}\",\n{literal(text)}}},\n"


def main():
    output, *profiles = map(pathlib.Path, sys.argv[1:])
    body = "".join(entry(path) for path in sorted(profiles))
    output.write_text(f"""// Made by embed.py; change the JSON files.
#include <keyway/pkcs11/quirks/embedded_internal.hpp>

namespace keyway::pkcs11 {{

const std::vector<EmbeddedQuirks>& embedded_quirks() {{
    static const auto& all = *new std::vector<EmbeddedQuirks>{{
{body}    }};
    return all;
}}

}}  // namespace keyway::pkcs11
""", encoding="utf-8")


main()
