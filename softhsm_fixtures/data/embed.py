#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks the data files and writes them as C++.

usage: embed.py OUTPUT CAPABILITIES MODULE...
"""
import json
import pathlib
import re
import sys

TEXT = {"name", "summary", "variable", "install_hint"}
LISTS = {"places", "measured", "capabilities", "quirks"}
LINES = {
    "capabilities": ({"name", "reason"}, {"since", "until"}),
    "quirks": ({"name", "reason", "source"}, {"since", "until", "varies"}),
}


def refuse(path, message):
    sys.exit(f"{path}: {message}")


def check_lines(path, kind, lines, known):
    needed, allowed = LINES[kind]
    seen = []
    for line in lines:
        keys = set(line)
        if not needed <= keys or not keys <= needed | allowed:
            refuse(path, f"{kind}: {line} needs {sorted(needed)}, and may have {sorted(allowed)}")
        if not all(isinstance(value, str) and value for value in line.values()):
            refuse(path, f"{kind}: {line} has an empty value, or one that is no text")
        for bound in keys & {"since", "until"}:
            if not re.fullmatch(r"\d+\.\d+", line[bound]):
                refuse(path, f"{kind}: {line}: \"{bound}\" is no version such as 3.87")
        seen.append(line["name"])
        if known is not None and line["name"] not in known:
            refuse(path, f"there is no capability \"{line['name']}\" in capabilities.json")
    if len(set(seen)) != len(seen):
        refuse(path, f"{kind}: a name is there twice")
    if known is not None and seen != [name for name in known if name in seen]:
        refuse(path, "capabilities: bring them in the order of capabilities.json")


def read_module(path, known):
    module = json.loads(path.read_text(encoding="utf-8"))
    if set(module) != TEXT | LISTS:
        refuse(path, f"has the keys {sorted(module)}, not {sorted(TEXT | LISTS)}")
    if module["name"] != path.stem:
        refuse(path, f"is of \"{module['name']}\"")
    check_lines(path, "capabilities", module["capabilities"], known)
    check_lines(path, "quirks", module["quirks"], None)
    return module


def literal(text):
    # JSON's escapes are C++'s, as long as the text is ASCII.
    if not text.isascii():
        sys.exit(f"\"{text}\" is not ASCII")
    return json.dumps(text)


def strings(values):
    return "{" + ", ".join(literal(value) for value in values) + "}"


def lines(values, keys):
    rows = ("        {" + ", ".join(literal(value.get(key, "")) for key in keys) + "},\n" for value in values)
    return "{\n" + "".join(rows) + "    }"


def module_as_cpp(module):
    return "".join([
        "    {", ", ".join(literal(module[key]) for key in ("name", "summary", "variable", "install_hint")), ",\n",
        "    ", strings(module["places"]), ",\n",
        "    ", strings(module["measured"]), ",\n",
        "    ", lines(module["capabilities"], ("name", "reason", "since", "until")), ",\n",
        "    ", lines(module["quirks"], ("name", "reason", "source", "since", "until", "varies")), "},\n",
    ])


def main():
    output, capabilities, *modules = map(pathlib.Path, sys.argv[1:])
    known = [entry["name"] for entry in json.loads(capabilities.read_text(encoding="utf-8"))]
    if len(set(known)) != len(known):
        refuse(capabilities, "a name is there twice")
    body = "".join(module_as_cpp(read_module(path, known)) for path in modules)
    output.write_text(f"""// Made by embed.py; change the JSON files.
#include <softhsm_fixtures/modules_data_internal.hpp>

namespace softhsm_fixtures::internal {{

// Never destroyed: a token may go during static destruction.
const std::vector<ModuleData>& module_data() {{
    static const auto& all = *new std::vector<ModuleData>{{
{body}    }};
    return all;
}}

const std::vector<std::string>& capability_names() {{
    static const auto& all = *new std::vector<std::string>{strings(known)};
    return all;
}}

}} // namespace softhsm_fixtures::internal
""", encoding="utf-8")


main()
