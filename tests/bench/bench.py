#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measures Keyway against the raw PKCS#11 loop; see docs/performance.md. Started by script/bench."""
import argparse
import datetime
import json
import os
import pathlib
import signal
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

import plot
import report
from figures import figures
from instructions import instructions
from scenarios import KINDS, SCENARIOS, Bench
from workers import Absent, Failed, Tools

FORMAT_VERSION = 1


def numbers(text):
    return [int(one) for one in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("build", help="the folder with bench-worker")
    parser.add_argument("--softhsm-fixture", required=True, metavar="PROGRAM", help="the command that makes tokens")
    parser.add_argument("--rounds", type=int, default=15, help="at least 7 (15)")
    parser.add_argument("--round-ms", type=int, default=100, help="the length of a round of one way (100)")
    parser.add_argument("--only", metavar="LIST", help=f"scenarios: {', '.join(SCENARIOS)}, instructions; or none, with --merge")
    parser.add_argument("--kinds", metavar="LIST", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument("--threads", type=numbers, metavar="LIST", default=[1, 2, 4, 8], help="(1,2,4,8)")
    parser.add_argument("--sessions", type=numbers, metavar="LIST", default=[1, 2, 4, 8, 16, 32, 64],
                        help="of the latency scenario (1,2,4,...,64)")
    parser.add_argument("--many-keys", type=int, default=10000, help="how many keys are many (10000)")
    parser.add_argument("--instructions", action="store_true", help="only count instructions, with callgrind")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write all results")
    parser.add_argument("--merge", metavar="FILE", type=pathlib.Path, action="append", default=[],
                        help="take scenarios that are not measured now from the results of an earlier run")
    parser.add_argument("--docs", metavar="FOLDER", type=pathlib.Path, help="renew performance.md and performance.svg in it")
    parser.add_argument("--strict", action="store_true", help="status 1 when a figure misses its target")
    parser.add_argument("--smoke", action="store_true", help="a few milliseconds of each, to see that it works")
    return parser.parse_args()


def plan_of(options):
    """The options, and what follows from them."""
    options.latencies_ms, options.few_keys, options.probes = [1, 10], 10, 5
    options.count_replay, options.count_ec, options.count_rsa = (2000, 12000), (100, 500), (20, 120)
    options.kinds = options.kinds.split(",")
    if unknown := set(options.kinds) - set(KINDS):
        sys.exit(f"bench: error: unknown kinds: {', '.join(sorted(unknown))}")
    if options.smoke:
        options.rounds, options.round_ms, options.threads, options.sessions = 1, 5, [1, 2], [1, 4]
        options.latencies_ms, options.many_keys, options.probes = [1], 20, 1
    elif options.rounds < 7:
        sys.exit("bench: error: fewer than 7 rounds say little")
    return options


def scenarios_of(options):
    known = SCENARIOS | {"instructions": instructions}
    if options.instructions:
        return {"instructions": instructions}
    if options.only is None:
        return SCENARIOS
    if options.only == "none":
        return {}  # to write what earlier runs found
    names = options.only.split(",")
    if unknown := set(names) - set(known):
        sys.exit(f"bench: error: unknown scenarios: {', '.join(sorted(unknown))}")
    return {name: known[name] for name in names}


def measure(options, bench):
    """The results of each scenario, and how each was taken."""
    results, runs = {}, {}
    for name, scenario in scenarios_of(options).items():
        bench.scenario = name
        load = os.getloadavg()[0]
        try:
            results[name] = scenario(bench)
        except Absent as reason:
            bench.leave_out(name, reason)
            continue
        runs[name] = {"date": datetime.date.today().isoformat(), "rounds": options.rounds, "round_ms": options.round_ms,
                      "processors": len(os.sched_getaffinity(0)), "load_before": load}
    return results, runs


def whole(options, bench):
    """Everything that is known about this run, and what is taken from earlier ones."""
    results, runs = measure(options, bench)
    left_out = bench.left_out
    for path in options.merge:
        earlier = json.loads(path.read_text())
        taken = {name: one for name, one in earlier["scenarios"].items() if name not in results}
        results |= taken
        runs |= {name: earlier["runs"][name] for name in taken}
        left_out = left_out + [one for one in earlier["left_out"] if one["scenario"] in taken]
    document = {"format": FORMAT_VERSION, "runs": runs, "left_out": left_out, "scenarios": results}
    document["figures"] = [one.as_json() for one in figures(results | {"left_out": left_out})]
    return document


def check_smoke(document):
    """That nothing is missing from the results that this build can measure."""
    again = json.loads(json.dumps(document, allow_nan=False))
    missing = set(SCENARIOS) - set(again["scenarios"])
    for one in again["figures"]:
        if one["missing"] == "not measured":
            missing.add(one["name"])
    if missing:
        raise Failed(f"missing from the results: {', '.join(sorted(missing))}")
    for write in (plot.svg, report.markdown, report.terminal):
        write(again)


def main():
    options = plan_of(arguments())
    # Tokens are removed when the program is told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(Tools(options.build, options.softhsm_fixture), options,
                  lambda text: print(text, file=sys.stderr, flush=True))
    try:
        document = whole(options, bench)
        # What a smoke run measures is noise, and not to be read.
        print("every scenario ran" if options.smoke else report.terminal(document))
        if options.json:
            options.json.write_text(json.dumps(document, indent=1) + "\n")
        if options.docs:
            report.renew(options.docs, document)
        if options.smoke and not document["scenarios"]:
            raise Absent("there is no token to measure with")
        if options.smoke:
            check_smoke(document)
    except Failed as failure:
        sys.exit(f"bench: error: {failure}")
    except Absent as reason:
        print(f"bench: skipped: {reason}", file=sys.stderr)
        sys.exit(77)
    if options.strict and any(one["mark"] == "FAIL" for one in document["figures"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
