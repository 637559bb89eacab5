# SPDX-License-Identifier: BSD-3-Clause
"""Rows of perf/run that the wire makes: what a message costs a worker, and what two workers do. Processes take turns, so that a
slow moment of the machine hits all rows; a row's times are those of all its rounds."""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

BASE = "wire/10k"
CALLERS = "wire/callers_10k"
# Name, arguments, what it is compared with (base: how many times what that takes; peer: how many times faster it is), and whether it is
# for the long form alone. Budgets stand in budgets.py. 10,000 prefixes have as many callers, whose texts far ends and worker read: the
# row that has the callers in one prefix tells what that is worth.
ROWS = [
    (BASE, [], {}, False),
    ("wire/1m", ["--dialogs", "1000000"], {"base": BASE}, False),
    ("wire/10m", ["--dialogs", "10000000"], {"base": BASE}, True),
    ("wire/ipv6", ["--ipv6"], {"base": BASE}, False),
    ("wire/pending_1m", ["--transactions-pending", "1000000"], {"base": BASE}, False),
    ("wire/timers_10m", ["--timers", "10000000"], {"base": BASE}, False),
    (CALLERS, ["--prefixes", "1", "--callers", "10000"], {"base": BASE}, False),
    ("wire/prefixes_10k", ["--prefixes", "10000"], {"base": CALLERS}, False),
    ("wire/members_1k", ["--members", "1000"], {"base": BASE}, False),
    ("wire/routes_1k", ["--routes", "1000"], {"base": BASE}, False),
    ("wire_latency/half", ["--seconds", "10"], {}, False),
    ("wire_two/apart", [], {"peer": BASE}, False),  # two processes, which share nothing: what the machine allows
    ("wire_two/own", ["--mode", "own"], {"peer": BASE}, False),
    ("wire_two/spread", ["--mode", "spread"], {"peer": BASE}, False),
    ("wire_two/one", ["--mode", "one"], {"peer": BASE}, False),
]
LATENCY, APART, INSTRUCTIONS, STAGES = "wire_latency/half", "wire_two/apart", "wire_instructions", "wire_stages"
REAL_TIME = ["--rate", "200000", "--t1", "50"]  # room for what comes by real clocks, which is less than by set ones


def run_json(program, arguments):
    """Runs the program and returns what it wrote as JSON; None when it has no result, which is said."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "wire.json")
        done = subprocess.run(
            [program, "--json", file, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode != 0:
            reason = (done.stdout.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            print(f"perf/run: wire {' '.join(arguments)}: {reason}", file=sys.stderr)
            return None
        with open(file, encoding="utf-8") as text:
            return json.load(text)


def chosen(names, is_long):
    """The rows that match."""
    return [row for row in ROWS if (is_long or not row[3]) and re.search(names, row[0])]


def rounds_of(program, name, messages):
    """Rounds of a process of this row; none when it had no result. Of the row that is two processes, two rounds side by side are one."""
    arguments = next(row[1] for row in ROWS if row[0] == name)
    more = REAL_TIME if "--mode" in arguments else []
    size = ["--messages", str(messages), *([] if name == LATENCY else ["--rounds", "3"])]
    if name != APART:
        result = run_json(program, [*arguments, *more, *size])
        return result["rounds"] if result else []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda core: run_json(program, [*size, "--core", str(core)]), (0, 1)))
    if None in both:
        return []
    return [
        {"received": one["received"] + other["received"], "calls": one["calls"] + other["calls"], "ns": max(one["ns"], other["ns"])}
        for one, other in zip(both[0]["rounds"], both[1]["rounds"])
    ]


def figure(name, one):
    """Of a round: ns a message, or us of latency."""
    return one["p999_us"] if name == LATENCY else one["ns"] / one["received"]


def measure(program, rows, repetitions, messages):
    """Returns rows by name, as perf/run's, with all rounds of each process in `rounds`. What a row is compared with runs right before
    it each time, so that a slow moment of the machine meets both: `pairs` has how they compare."""
    found = {}
    compared = {BASE} & {one for row in rows for one in row[2].values()}

    def run(name, label):
        row = found.setdefault(name, {"name": name, "unit": "us" if name == LATENCY else "ns", "label": {}})
        row["label"] = row["label"] or dict(label)
        done = rounds_of(program, name, messages)
        row.setdefault("rounds", []).extend(done)
        row.setdefault("times", []).extend(figure(name, one) for one in done)
        return median([figure(name, one) for one in done]) if done else None

    for _ in range(repetitions):
        for name, _, label, _ in rows:
            if name in compared:
                continue  # runs with the others
            other = label.get("base", label.get("peer"))
            before = run(other, {}) if other else None
            own = run(name, label)
            if before and own:
                found[name].setdefault("pairs", []).append(own / before if "base" in label else before / own)
    return {name: row for name, row in found.items() if row["times"]}


def median(values):
    """The middle value."""
    return sorted(values)[len(values) // 2]


def model(rows):
    """Lines that tell what 4, 8 and 16 workers would do, from what two did."""
    if "wire_two/own" not in rows or "wire_two/one" not in rows:
        return []

    def part(name, worker):
        return median([one["worker_ns"][worker] / one["received"] for one in rows[name]["rounds"]])

    whole = part("wire_two/own", 0) + part("wire_two/own", 1)
    receive = max(2 * part("wire_two/one", 0) - whole, 0)
    over = max(2 * part("wire_two/one", 1) - whole + receive, 0)
    lines = [
        f"a message takes w = {whole:.0f} ns of the worker that receives and owns it; of another's, r = {receive:.0f} ns of who receives",
        f"it, and being handed over costs h = {over:.0f} ns more in all. A model of n workers (measured costs, nothing of shared caches and",
        "memory): spread n / (w + h (n - 1) / n), by one 5-tuple the least of 1 / (w / n + r (n - 1) / n) and n / (w - r + h) a second:",
    ]
    for workers in (2, 4, 8, 16):
        others = (workers - 1) / workers
        one = 1e9 / max(whole / workers + receive * others, (whole - receive + over) / workers)
        spread = 1e9 * workers / (whole + over * others)
        lines.append(f"  {workers:2d} workers: {one / 1e6:.2f} M by one 5-tuple, {spread / 1e6:.2f} M spread")
    return lines


def stages(program, messages):
    """Lines of a table of cycles by stage, and the JSON they are of."""
    result = run_json(program, ["--messages", str(messages), "--rounds", "3"])
    if result is None:
        return [], None
    ns = 1e9 / result["tsc_hz"]
    lines = [f"{'stage':28}  cycles      ns  calls a message (probes of {result['probe_cycles']:.0f} cycles taken off)"]
    for stage in result["stages"]:
        lines.append(f"{stage['name']:28} {stage['cycles']:7.0f} {stage['cycles'] * ns:7.0f}  {stage['calls']:5.2f}")
    lines += ["", f"{'kind':28}      ns  in the stages of one message, by themselves"]
    for kind in result["stages"][0]["kinds"]:
        lines.append(f"{kind:28} {sum(stage['kinds'][kind] for stage in result['stages']) * ns:7.0f}")
    return lines, result["stages"]
