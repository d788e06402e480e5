# SPDX-License-Identifier: BSD-2-Clause
"""What is measured. Each scenario returns what goes into the results under its name."""
import contextlib
import statistics
import tempfile

from rounds import interleaved, ratio, summary
from workers import Absent, Failed, Worker, Token

KINDS = ["rsa-2048", "rsa-2048-pss", "rsa-4096", "p-256", "p-384", "ed25519"]

FEW_KEYS = [{"type": "rsa", "bits": 2048, "label": "rsa-2048"},
            {"type": "rsa", "bits": 4096, "label": "rsa-4096"},
            {"type": "ec", "curve": "P-256", "label": "p-256"},
            {"type": "ec", "curve": "P-384", "label": "p-384"},
            {"type": "ed25519", "label": "ed25519"}]


def p256_keys(count):
    return [{"type": "ec", "curve": "P-256", "label": "p-256"},
            {"type": "ec", "curve": "P-256", "label": "key-{n}", "count": count - 1}]


class Bench:
    """What every scenario needs."""

    def __init__(self, tools, plan, say):
        self.tools = tools
        self.plan = plan
        self.say = say
        self.scenario = None  # the name of the one that runs
        self.left_out = []

    def leave_out(self, what, reason):
        entry = {"scenario": self.scenario, "what": what, "reason": str(reason)}
        if entry not in self.left_out:
            self.left_out.append(entry)
            self.say(f"left out: {what}: {reason}")

    def one(self, worker, way, kind, threads, milliseconds=None):
        return lambda: worker.run(way, kind, threads, milliseconds or self.plan.round_ms)


WAYS = ["raw", "raw-control", "raw-hashing", "raw-copies", "keyway", "keyway-new", "keyway-copies"]


def verify_all(bench):
    """What does not sign the message could be as fast as it likes."""
    with Token(bench.tools, FEW_KEYS) as token:
        for way in [*WAYS, "naive"]:
            with contextlib.suppress(Absent):
                for kind in bench.plan.kinds:
                    token.probe("verify", way, kind)


def throughput(bench):
    """The ways against the raw loop, for each kind of key and number of threads."""
    plan, out = bench.plan, []
    verify_all(bench)
    with contextlib.ExitStack() as stack:
        # A process for each way that changes the state of its whole process: with one login more, the naive way would
        # not log in; libcrypto's configuration is global. Each has a copy of the token.
        def worker(program):
            token = stack.enter_context(Token(bench.tools, FEW_KEYS))
            return stack.enter_context(Worker(program, token.environment))

        main, naive = worker(bench.tools.worker), worker(bench.tools.worker)
        ways = dict.fromkeys(WAYS, main) | {"naive": naive}
        if not bench.tools.openssl.exists():
            bench.leave_out("OpenSSL's pkcs11 provider", "bench-openssl was not built: libcrypto's headers are missing")
        elif not plan.smoke:
            ways["openssl"] = worker(str(bench.tools.openssl))
        for name in list(ways):
            try:
                ways[name].require(name)
            except Absent as reason:
                bench.leave_out(name, reason)
                del ways[name]
        for kind in plan.kinds:
            for threads in plan.threads:
                bench.say(f"{kind}, {threads} thread{'s' if threads > 1 else ''}")
                usable = {}
                for name, process in ways.items():
                    if name == "naive" and threads > 1:
                        continue  # the threads' logins would be one
                    try:
                        process.run(name, kind, threads, 1)  # opens all that it needs
                        usable[name] = bench.one(process, name, kind, threads)
                    except Failed as failure:
                        if name != "openssl":
                            raise
                        bench.leave_out(f"{name}, {kind}", failure)
                results = interleaved(usable, plan.rounds)
                entry = {"kind": kind, "threads": threads, "ways": {n: summary(r) for n, r in results.items()},
                         "to_raw": {n: ratio(results, n, "raw") for n in results if n != "raw"}}
                if "naive" in results:
                    entry["keyway_to_naive"] = ratio(results, "keyway", "naive")
                if "keyway-copies" in results and "raw-copies" in results:
                    entry["keyway_copies_to_raw_copies"] = ratio(results, "keyway-copies", "raw-copies")
                out.append(entry)
    return out


def latency(bench):
    """A token that takes its time and has a session for each thread."""
    plan, out = bench.plan, []
    for milliseconds in plan.latencies_ms:
        with Token(bench.tools, FEW_KEYS) as token, \
                Worker(bench.tools.worker, token.replaying(milliseconds * 1000)) as worker:
            for sessions in plan.sessions:
                bench.say(f"{milliseconds} ms latency, {sessions} session{'s' if sessions > 1 else ''}")
                # A thread makes at least ten signatures in a round.
                length = max(plan.round_ms, 0 if plan.smoke else 12 * milliseconds)
                ways = {"raw-one": bench.one(worker, "raw-control", "p-256", 1, length),
                        "raw": bench.one(worker, "raw", "p-256", sessions, length),
                        "keyway": bench.one(worker, "keyway", "p-256", sessions, length)}
                for measure in ways.values():
                    measure()
                results = interleaved(ways, plan.rounds)
                # The best round: one session that is disturbed would make the line too low, and what is above it too good.
                one = max(measured["rate"] for measured in results.pop("raw-one"))
                ideal = [{"rate": sessions * one, "cpu": 1}] * plan.rounds
                out.append({"latency_ms": milliseconds, "sessions": sessions,
                            "measured_latency_ms": 1000 / one,
                            "ways": {n: summary(r) for n, r in results.items()},
                            "to_ideal": ratio(results | {"ideal": ideal}, "keyway", "ideal"),
                            "raw_to_ideal": ratio(results | {"ideal": ideal}, "raw", "ideal"),
                            "to_raw": ratio(results, "keyway", "raw")})
    return out


def cores(bench):
    """Whether a second thread signs twice as much."""
    out = {}
    with Token(bench.tools, FEW_KEYS) as token, Worker(bench.tools.worker, token.environment) as worker:
        for kind in ["rsa-2048", "p-256"]:
            bench.say(f"{kind}, two threads against one")
            ways = {f"{way}-{threads}": bench.one(worker, way, kind, threads)
                    for way in ("raw", "keyway") for threads in (1, 2)}
            for one in ways.values():
                one()
            results = interleaved(ways, bench.plan.rounds)
            out[kind] = {"keyway": ratio(results, "keyway-2", "keyway-1"), "raw": ratio(results, "raw-2", "raw-1"),
                         "keyway_to_raw": ratio(results, "keyway-2", "raw-2")}
    return out


def timed(bench, token, *arguments):
    """A probe a few times, each in a new process: the medians."""
    runs = [token.probe(*arguments) for _ in range(bench.plan.probes)]
    return {name: statistics.median(float(run[name]) for run in runs) for name in runs[0]}


def many_keys(bench):
    """What it costs that the token is full."""
    plan = bench.plan
    out = {"few": plan.few_keys, "many": plan.many_keys}
    with contextlib.ExitStack() as stack:
        bench.say(f"a token with {plan.many_keys} keys (made once; that takes a minute)")
        tokens = {name: stack.enter_context(Token(bench.tools, p256_keys(out[name]))) for name in ("few", "many")}
        for name, token in tokens.items():
            bench.say(f"starting with {out[name]} keys")
            ref = token.probe("ref", "p-256")["ref"]
            out[f"start_{name}"] = {"raw": timed(bench, token, "raw", "p-256"),
                                    "keyway": timed(bench, token, "keyway", ref)}
        bench.say("listing and opening all keys")
        out["list"] = timed(bench, tokens["many"], "list")
        try:
            with tempfile.NamedTemporaryFile("w") as refs:
                refs.write("\n".join(tokens["many"].lines("refs")) + "\n")
                refs.flush()
                out["open_all"] = timed(bench, tokens["many"], "open-all", refs.name)
        except Absent as reason:
            bench.leave_out("opening all keys of a token", reason)
        bench.say(f"signing with {plan.few_keys} and with {plan.many_keys} keys in the token")
        workers = {name: stack.enter_context(Worker(bench.tools.worker, token.environment))
                   for name, token in tokens.items()}
        ways = {f"{way}-{name}": bench.one(worker, way, "p-256", 1)
                for name, worker in workers.items() for way in ("raw", "keyway")}
        for one in ways.values():
            one()
        results = interleaved(ways, plan.rounds)
        out["ways"] = {n: summary(r) for n, r in results.items()}
        out["signing"] = {"keyway": ratio(results, "keyway-many", "keyway-few"),
                          "raw": ratio(results, "raw-many", "raw-few")}
    return out


SCENARIOS = {"throughput": throughput, "latency": latency, "cores": cores, "many-keys": many_keys}
