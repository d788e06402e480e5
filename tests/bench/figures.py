# SPDX-License-Identifier: BSD-2-Clause
"""The figures that Keyway promises, each with its target, out of the results."""

RSA_AND_P384 = ["rsa-2048", "rsa-2048-pss", "rsa-4096", "p-384"]
FAST = ["p-256", "ed25519"]


class Figure:
    """One line of the table. `parts` are (what, value); the worst of them is the figure. `by_cpu` are the same parts by
    processor time: what the figure would be on a machine that does nothing else."""

    def __init__(self, name, target, parts, missing=None, at_most=False, unit="", by_cpu=()):
        self.name, self.target, self.at_most, self.unit = name, target, at_most, unit
        self.by_cpu = min((value for _, value in by_cpu if value is not None), default=None)
        self.parts = [(what, value) for what, value in parts if value is not None]
        self.missing = None if self.parts else (missing or "not measured")

    @property
    def value(self):
        values = [value for _, value in self.parts]
        return None if not values else (max if self.at_most else min)(values)

    @property
    def mark(self):
        if self.value is None:
            return "left out"
        good = self.value <= self.target if self.at_most else self.value >= self.target
        return "pass" if good else "FAIL"

    def as_json(self):
        return {"name": self.name, "target": self.target, "at_most": self.at_most, "unit": self.unit, "value": self.value,
                "by_cpu": self.by_cpu, "mark": self.mark, "parts": dict(self.parts), "missing": self.missing}


def reason_for(results, word):
    return next((one["reason"] for one in results["left_out"] if word in one["what"]), None)


def to_raw(results, way, kinds, threads, by="ratio"):
    return [(entry["kind"], entry["to_raw"].get(way, {}).get(by)) for entry in results.get("throughput", [])
            if entry["kind"] in kinds and entry["threads"] == threads]


def figures(results):
    throughput = results.get("throughput", [])
    every = RSA_AND_P384 + FAST
    one_p256 = [e for e in throughput if e["kind"] == "p-256" and e["threads"] == 1]
    latency = [(f"{e['sessions']} at {e['latency_ms']} ms", e) for e in results.get("latency", [])]
    cores, many = results.get("cores", {}), results.get("many-keys", {})
    counted = {e["kind"]: e["percent"] for e in results.get("instructions", [])}
    most = max((e["threads"] for e in throughput), default=8)

    def against_raw(name, target, way, kinds, threads, missing=None):
        return Figure(name, target, to_raw(results, way, kinds, threads), missing,
                      by_cpu=to_raw(results, way, kinds, threads, "by_cpu"))

    def percent(kind):
        return [(way, counted.get(kind, {}).get(way)) for way in ("keyway", "keyway-new")]

    no_count = reason_for(results, "instructions") or "counted by script/bench --instructions"
    return [
        against_raw("Keyway / raw loop: RSA, P-384", 0.98, "keyway", RSA_AND_P384, 1),
        against_raw("Keyway / raw loop: P-256, Ed25519, operation reused", 0.95, "keyway", FAST, 1),
        against_raw("the same, new operation per signature", 0.90, "keyway-new", FAST, 1),
        against_raw(f"{most} threads / raw loop with {most} sessions", 0.95, "keyway", every, most),
        against_raw("with session copies, P-256 / raw loop without", 1.3, "keyway-copies", ["p-256"], 1,
                    reason_for(results, "keyway-copies")),
        # What a copy saves are SoftHSM's two files, opened and locked for each signature: what that costs is the kernel's.
        Figure("the same / raw loop with C_CopyObject too", 0.95,
               [("p-256", e["keyway_copies_to_raw_copies"]["ratio"]) for e in one_p256 if "keyway_copies_to_raw_copies" in e],
               reason_for(results, "keyway-copies"),
               by_cpu=[("p-256", e["keyway_copies_to_raw_copies"]["by_cpu"]) for e in one_p256
                       if "keyway_copies_to_raw_copies" in e]),
        Figure("sessions × latency: throughput / (sessions ÷ latency)", 0.95,
               [(what, e["to_ideal"]["ratio"]) for what, e in latency]),
        Figure("the same / raw loop with as many sessions", 0.95, [(what, e["to_raw"]["ratio"]) for what, e in latency]),
        Figure("P-256 / naive way", 12, [("p-256", e["keyway_to_naive"]["ratio"]) for e in one_p256],
               by_cpu=[("p-256", e["keyway_to_naive"]["by_cpu"]) for e in one_p256]),
        Figure("RSA-2048 on two cores, 2 threads / 1 thread", 1.85,
               [("rsa-2048", cores["rsa-2048"]["keyway"]["ratio"])] if cores else []),
        Figure(f"signing rate with {many.get('many', 10000):,} keys in the token / with {many.get('few', 10)}", 0.95,
               [("p-256", many["signing"]["keyway"]["ratio"])] if many else [],
               by_cpu=[("p-256", many["signing"]["keyway"]["by_cpu"])] if many else []),
        Figure("opening all keys of a token after C_Initialize", 1.5,
               [("open_all", many["open_all"]["open"])] if "open_all" in many else [],
               reason_for(results, "opening all"), at_most=True, unit="s",
               by_cpu=[("open_all", many["open_all"]["open-cpu"])] if "open_all" in many else []),
        Figure("instructions of the wrapper, P-256", 2.0, percent("p-256"), no_count, at_most=True, unit="%"),
        Figure("instructions of the wrapper, RSA-2048", 0.2, percent("rsa-2048") +
               [(f"pss {way}", value) for way, value in percent("rsa-2048-pss")], no_count, at_most=True, unit="%"),
    ]
