# SPDX-License-Identifier: BSD-2-Clause
"""Rounds that alternate between the ways compared, and what comes out of them.

The speed of a machine drifts by more than the differences that are looked for. So every round measures each way once, in
an order that turns round from one round to the next, and a ratio is the median of the ratios of the rounds, never the ratio
of two numbers taken at different times.
"""
import statistics


def interleaved(ways, rounds):
    """ways: {name: function that measures one round}. {name: [round, ...]}"""
    results = {name: [] for name in ways}
    names = list(ways)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            results[name].append(ways[name]())
    return results


def median_of(rounds, what):
    return statistics.median(one[what] for one in rounds)


def summary(rounds):
    return {"per_second": median_of(rounds, "rate"),
            "cpu_us": median_of(rounds, "cpu") * 1e6,
            "rounds": [round(one["rate"], 3) for one in rounds]}


def ratio(results, one, other):
    """How fast `one` is in units of `other`: the median over the rounds, and the middle half of them; by_cpu the same by
    processor time, which other work on the machine disturbs less."""
    pairs = list(zip(results[one], results[other]))
    values = sorted(a["rate"] / b["rate"] for a, b in pairs)
    low, high = (values[0], values[-1])
    if len(values) >= 4:
        low, _, high = statistics.quantiles(values, n=4)
    return {"ratio": statistics.median(values), "low": low, "high": high,
            "by_cpu": statistics.median(b["cpu"] / a["cpu"] for a, b in pairs)}
