# SPDX-License-Identifier: BSD-2-Clause
"""The results as tables, for the terminal and for docs/performance.md."""
import plot

BEGIN = "<!-- results: written by script/bench --docs -->"
END = "<!-- end of results -->"


def number(value, unit=""):
    if value is None:
        return "–"
    text = f"{value:.1f}" if value >= 10 else f"{value:.2f}" if unit else f"{value:.3f}"
    return f"{text} {unit}" if unit else text


def figure_rows(document):
    """Figure, target, measured, mark, where it is worst or why it is missing."""
    for one in document["figures"]:
        if one["missing"] == "not measured":
            continue
        limit = f"{'≤' if one['at_most'] else '≥'} {one['target']:g}{' ' + one['unit'] if one['unit'] else ''}"
        note = one["missing"] or ""
        if len(one["parts"]) > 1 and len(one["parts"]) <= 8:
            note = ", ".join(f"{what} {number(value)}" for what, value in one["parts"].items())
        elif len(one["parts"]) > 8:
            worst = (max if one["at_most"] else min)(one["parts"], key=one["parts"].get)
            note = f"the worst of {len(one['parts'])}: {worst}"
        yield [one["name"], limit, number(one["value"], one["unit"]), number(one["by_cpu"]), one["mark"], note]


def noise_row(document):
    controls = [entry["to_raw"]["raw-control"]["ratio"] for entry in document["scenarios"].get("throughput", [])]
    if not controls:
        return None
    return f"{min(controls):.3f} to {max(controls):.3f}"


def throughput_rows(document):
    """Kind, threads, raw signatures per second, then each way as a ratio to it."""
    names = ["raw-control", "raw-hashing", "keyway", "keyway-new", "raw-copies", "keyway-copies", "openssl"]
    entries = document["scenarios"].get("throughput", [])
    names = [name for name in names if any(name in entry["to_raw"] for entry in entries)]
    yield ["kind", "threads", "raw /s", *names, "naive"]
    for entry in entries:
        ratios = [number(entry["to_raw"].get(name, {}).get("ratio")) for name in names]
        yield [entry["kind"], str(entry["threads"]), f"{entry['ways']['raw']['per_second']:,.0f}", *ratios,
               number(entry["to_raw"].get("naive", {}).get("ratio"))]


def latency_rows(document):
    yield ["latency", "sessions", "signatures/s", "of sessions ÷ latency", "raw loop of it", "of the raw loop"]
    for one in document["scenarios"].get("latency", []):
        yield [f"{one['measured_latency_ms']:.2f} ms", str(one["sessions"]), f"{one['ways']['keyway']['per_second']:,.0f}",
               number(one["to_ideal"]["ratio"]), number(one["raw_to_ideal"]["ratio"]), number(one["to_raw"]["ratio"])]


def core_rows(document):
    yield ["two threads / one thread", "raw loop", "Keyway"]
    for kind, one in document["scenarios"].get("cores", {}).items():
        yield [kind, number(one["raw"]["ratio"]), number(one["keyway"]["ratio"])]


def many_keys_rows(document):
    one = document["scenarios"].get("many-keys")
    if one is None:
        return
    few, many = one["start_few"], one["start_many"]
    yield ["in seconds", f"{one['few']} keys", f"{one['many']:,} keys", "of it processor time"]
    for title, way, what in [("loading the module and C_Initialize", "raw", "initialise"), ("C_Login", "raw", "log-in"),
                             ("finding one key, raw C_FindObjects", "raw", "find"),
                             ("opening one key, Keyway, logged in already", "keyway", "find"),
                             ("from settings to a key that can sign, Keyway", "keyway", "open"),
                             ("its first signature, verified", "keyway", "sign")]:
        yield [title, f"{few[way][what]:.4f}", f"{many[way][what]:.4f}", f"{many[way][what + '-cpu']:.4f}"]
    for title, what, step in [("listing all keys after C_Initialize, Keyway", "list", "list"),
                              ("opening all keys after C_Initialize, Keyway", "open_all", "open")]:
        if what in one:
            yield [title, "", f"{one[what][step]:.2f}", f"{one[what][step + '-cpu']:.2f}"]
    for title, way in [("raw loop", "raw"), ("Keyway", "keyway")]:
        yield [f"signing rate, ratio to the token with few keys: {title}", "", number(one["signing"][way]["ratio"]),
               number(one["signing"][way]["by_cpu"])]


def instruction_rows(document):
    yield ["instructions for a signature", "token", "caller: raw", "raw + hash", "Keyway reused", "Keyway new",
           "reused, percent", "new, percent"]
    for one in document["scenarios"].get("instructions", []):
        caller = [f"{one['caller'][way]:,.0f}" for way in ("raw", "raw-hashing", "keyway", "keyway-new")]
        yield [one["kind"], f"{one['token']:,.0f}", *caller, f"{one['percent']['keyway']:.2f}",
               f"{one['percent']['keyway-new']:.2f}"]


def tables(document):
    """(heading, rows with their head first)."""
    yield "Figures", [["figure", "target", "measured", "by processor time", "", "detail"], *figure_rows(document)]
    for heading, rows in [("Throughput, as ratios to the raw loop", throughput_rows), ("Latency", latency_rows),
                          ("Cores", core_rows), ("Many keys", many_keys_rows), ("Instructions", instruction_rows)]:
        lines = list(rows(document))
        if len(lines) > 1:
            yield heading, lines


def notes(document):
    if noise := noise_row(document):
        yield f"The raw loop measured against itself in the same run: {noise} (that is the noise)."
    for one in document["left_out"]:
        yield f"Left out: {one['what']}: {one['reason']}."


def terminal(document):
    out = []
    for heading, rows in tables(document):
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        out.append(f"\n{heading}")
        out += ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([*out, "", *notes(document)])


def circumstances(document):
    """When each scenario was taken and how, and what to think of it."""
    alike = {}
    for name, run in document["runs"].items():
        how = "by callgrind" if name == "instructions" else (f"{run['rounds']} rounds of {run['round_ms']} ms on "
                                                             f"{run['processors']} processors")
        alike.setdefault(f"{run['date']}, {how}", []).append(name)
    yield "; ".join(f"{', '.join(names)}: {how}" for how, names in alike.items()) + "."
    busy = [run["load_before"] for name, run in document["runs"].items()
            if name != "instructions" and run["load_before"] > 0.3 * run["processors"]]
    if busy:
        yield (f"**Other work ran meanwhile** (a load of up to {max(busy):.0f}): times are far from exact, and a mark in the table is "
               "no judgement. What instructions say holds; what processor time says nearly so.")


def markdown(document):
    out = [*circumstances(document)]
    for heading, rows in tables(document):
        out += ["", f"### {heading}", ""]
        head, *body = rows
        out += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in body)]
    return "\n".join([*out, "", *(f"* {note}" for note in notes(document))])


def renew(folder, document):
    """Writes the plot, and the tables into the page between its markers."""
    (folder / "performance.svg").write_text(plot.svg(document))
    page = folder / "performance.md"
    before, rest = page.read_text().split(BEGIN, 1)
    _, after = rest.split(END, 1)
    page.write_text(f"{before}{BEGIN}\n{markdown(document)}\n{END}{after}")
