#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Draws the results of script/bench: plot.py RESULTS.json > performance.svg"""
import json
import math
import pathlib
import sys
from xml.sax.saxutils import escape

WIDTH, MARGIN, LABELS = 860, 30, 130
INK, FAINT, PAPER = "#24292f", "#d0d7de", "#ffffff"
WAYS = [("raw-control", "raw loop once more (noise)", "#8c959f"), ("keyway", "Keyway, operation reused", "#0969da"),
        ("keyway-new", "Keyway, new operation each time", "#8250df"), ("keyway-copies", "Keyway, session copies", "#1a7f37"),
        ("openssl", "OpenSSL's pkcs11 provider", "#bc4c00")]
TARGETS = {"rsa-2048": 0.98, "rsa-2048-pss": 0.98, "rsa-4096": 0.98, "p-384": 0.98, "p-256": 0.95, "ed25519": 0.95}
TARGET_OF_MANY = 0.95
LATENCY_COLOURS = ["#0969da", "#bc4c00", "#1a7f37"]


class Drawing:
    def __init__(self):
        self.parts = []

    def line(self, x1, y1, x2, y2, colour=FAINT, width=1.0, dash=""):
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
                          f'stroke-width="{width}"{dashes}/>')

    def text(self, x, y, text, size=12, anchor="start", weight="normal", colour=INK):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
                          f'font-weight="{weight}" fill="{colour}">{escape(text)}</text>')

    def dot(self, x, y, colour, radius=4.5, hollow=False, title=""):
        fill = PAPER if hollow else colour
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{colour}" '
                          f'stroke-width="1.5"><title>{escape(title)}</title></circle>')

    def path(self, points, colour, dash=""):
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="1.5"{dashes}/>')

    def finished(self, height):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
                f'height="{height:.0f}" font-family="system-ui, sans-serif">\n'
                f'<rect width="100%" height="100%" fill="{PAPER}"/>\n' + "\n".join(self.parts) + "\n</svg>\n")


def ratios(drawing, entries, threads, top):
    """Dots on a line for each kind; the target is a bar across it. Returns where it ends."""
    rows = [entry for entry in entries if entry["threads"] == threads]
    shown = [w for w in WAYS if any(w[0] in row["to_raw"] for row in rows)]
    # The axis has room for the medians; lines that reach beyond it are cut.
    values = [row["to_raw"][way]["ratio"] for row in rows for way, *_ in shown if way in row["to_raw"]]
    least, most = min([0.88, *values]) - 0.02, max([1.06, *values]) + 0.02
    step = next(size for size in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100) if (most - least) / size <= 12)
    ticks = [1 + step * number for number in range(math.floor((least - 1) / step), math.ceil((most - 1) / step) + 1)]
    least, most = ticks[0], ticks[-1]
    left, right = MARGIN + LABELS, WIDTH - MARGIN

    def at(ratio):
        return left + (right - left) * (min(max(ratio, least), most) - least) / (most - least)

    drawing.text(MARGIN, top, f"Signatures per second as a ratio to the raw PKCS#11 loop, {threads} "
                 f"thread{'s' if threads > 1 else ''}", 14, weight="600")
    top += 22
    height = 34 * len(rows)
    for value in ticks:
        drawing.line(at(value), top, at(value), top + height, INK if value == 1 else FAINT)
        drawing.text(at(value), top + height + 16, f"{value:.2f}" if step < 0.1 else f"{value:.1f}", 11, "middle")
    for index, row in enumerate(rows):
        y = top + 34 * index + 17
        drawing.text(left - 12, y + 4, row["kind"], 12, "end")
        target = TARGETS[row["kind"]] if threads == 1 else TARGET_OF_MANY
        drawing.line(at(target), y - 15, at(target), y + 15, "#cf222e", 2.5)
        for number, (way, title, colour) in enumerate(shown):
            one = row["to_raw"].get(way)
            if one is None:
                continue
            level = y + (number - (len(shown) - 1) / 2) * 6
            drawing.line(at(one["low"]), level, at(one["high"]), level, colour, 1.5)
            drawing.dot(at(one["ratio"]), level, colour, 3.5, title=f"{title}, {row['kind']}: {one['ratio']:.3f}")
    return top + height + 52


def legend(drawing, entries, top):
    x = MARGIN
    shown = [w for w in WAYS if any(w[0] in entry["to_raw"] for entry in entries)]
    for _, title, colour in shown:
        if x + 30 + 6.6 * len(title) > WIDTH - MARGIN:
            x, top = MARGIN, top + 20
        drawing.dot(x + 5, top - 4, colour)
        drawing.text(x + 16, top, title)
        x += 34 + 6.6 * len(title)
    top += 20
    drawing.line(MARGIN + 5, top - 12, MARGIN + 5, top + 2, "#cf222e", 2.5)
    drawing.text(MARGIN + 16, top, "target for Keyway with the operation reused; lines: the middle half of the rounds")
    return top + 34


def latency(drawing, entries, top):
    """Throughput against sessions, both logarithmic, with the line of sessions ÷ latency."""
    left, right, height = MARGIN + 60, WIDTH - MARGIN - 150, 300
    drawing.text(MARGIN, top, "P-256 signatures per second against sessions, a token that takes its time", 14, weight="600")
    top += 22
    sessions = sorted({entry["sessions"] for entry in entries})
    rates = [entry["ways"][way]["per_second"] for entry in entries for way in ("raw", "keyway")]
    least, most = math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)))
    span = max(1e-9, math.log2(sessions[-1]) - math.log2(sessions[0]))

    def x_at(count):
        return left + (right - left) * (math.log2(count) - math.log2(sessions[0])) / span

    def y_at(rate):
        return top + height - height * (math.log10(rate) - least) / max(1, most - least)

    for power in range(least, most + 1):
        drawing.line(left, y_at(10**power), right, y_at(10**power))
        drawing.text(left - 8, y_at(10**power) + 4, f"{10**power:,}", 11, "end")
    for count in sessions:
        drawing.line(x_at(count), top, x_at(count), top + height)
        drawing.text(x_at(count), top + height + 16, str(count), 11, "middle")
    for colour, delay in zip(LATENCY_COLOURS, sorted({entry["latency_ms"] for entry in entries})):
        series = [entry for entry in entries if entry["latency_ms"] == delay]
        drawing.path([(x_at(e["sessions"]), y_at(1000 * e["sessions"] / e["measured_latency_ms"])) for e in series], colour, "5 4")
        for entry in series:
            for way, hollow in (("raw", True), ("keyway", False)):
                rate = entry["ways"][way]["per_second"]
                drawing.dot(x_at(entry["sessions"]), y_at(rate), colour, 6.5 if hollow else 3.5, hollow,
                            f"{way}, {entry['sessions']} sessions at {delay} ms: {rate:,.0f}/s")
        end = series[-1]
        drawing.text(x_at(end["sessions"]) + 14, y_at(end["ways"]["keyway"]["per_second"]) + 4,
                     f"{delay} ms: {end['to_ideal']['ratio']:.3f}", 12, colour=colour)
    bottom = top + height + 34
    drawing.text((left + right) / 2, bottom, "sessions (and threads)", 12, "middle")
    x, y = right + 20, top + height - 60
    drawing.line(x, y - 4, x + 22, y - 4, INK, 1.5, "5 4")
    drawing.text(x + 28, y, "sessions ÷ latency")
    drawing.dot(x + 11, y + 18, INK, 6.5, True)
    drawing.text(x + 28, y + 22, "raw loop")
    drawing.dot(x + 11, y + 40, INK, 3.5)
    drawing.text(x + 28, y + 44, "Keyway")
    return bottom + 24


def svg(document):
    drawing, top = Drawing(), 34
    entries = document["scenarios"].get("throughput", [])
    if entries:
        for threads in sorted({min(e["threads"] for e in entries), max(e["threads"] for e in entries)}):
            top = ratios(drawing, entries, threads, top)
        top = legend(drawing, entries, top)
    if slow := document["scenarios"].get("latency", []):
        top = latency(drawing, slow, top)
    return drawing.finished(top)


if __name__ == "__main__":
    sys.stdout.write(svg(json.loads(pathlib.Path(sys.argv[1]).read_text())))
