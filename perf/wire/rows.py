# SPDX-License-Identifier: BSD-3-Clause
"""Rows of perf/run that the wire makes: what a message costs a worker, and what two workers do. Processes take turns, so that a
slow moment of the machine hits all rows; a row's times are those of all its rounds."""

import json
import os
import re
import subprocess
import sys
import tempfile

BASE = "wire/10k"
# Name, arguments, budgets, and whether it is for the long form alone. budget_times: at most so many times what the base takes;
# budget_ratio: at least so many times faster than it.
ROWS = [
    (BASE, [], {}, False),
    ("wire/1m", ["--dialogs", "1000000"], {"base": BASE, "budget_ns": "500"}, False),
    ("wire/10m", ["--dialogs", "10000000"], {"base": BASE, "budget_times": "1.5"}, True),
    ("wire/ipv6", ["--ipv6"], {"base": BASE}, False),
    ("wire/pending_1m", ["--transactions-pending", "1000000"], {"base": BASE}, False),
    ("wire/timers_10m", ["--timers", "10000000"], {"base": BASE}, False),
    ("wire/prefixes_10k", ["--prefixes", "10000"], {"base": BASE}, False),
    ("wire/members_1k", ["--members", "1000"], {"base": BASE}, False),
    ("wire/routes_1k", ["--routes", "1000"], {"base": BASE}, False),
    ("wire_two/own", ["--mode", "own"], {"peer": BASE}, False),
    ("wire_two/spread", ["--mode", "spread"], {"peer": BASE, "budget_ratio": "1.8"}, False),
    ("wire_two/one", ["--mode", "one"], {"peer": BASE, "budget_ratio": "1.8"}, False),
]
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
    """The rows that match, and the one that they are compared with."""
    rows = [row for row in ROWS if (is_long or not row[3]) and re.search(names, row[0])]
    if rows and rows[0][0] != BASE:
        rows.insert(0, ROWS[0])
    return rows


def measure(program, rows, repetitions, messages):
    """Returns rows by name, as perf/run's, with all rounds of each process in `rounds`."""
    found = {}
    for _ in range(repetitions):
        for name, arguments, label, _ in rows:
            more = REAL_TIME if "--mode" in arguments else []
            result = run_json(program, [*arguments, *more, "--messages", str(messages), "--rounds", "3"])
            row = found.setdefault(name, {"name": name, "label": dict(label), "times": [], "rounds": []})
            for one in result["rounds"] if result else []:
                row["times"].append(one["ns"] / one["received"])
                row["rounds"].append(one)
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
    over = 2 * part("wire_two/one", 1) - whole + receive
    lines = [
        f"a message takes {whole:.0f} ns of the worker that receives and owns it; of another's, {receive:.0f} ns of who",
        f"receives it, and being handed over costs {over:.0f} ns more in all. A model (measured costs, nothing of shared caches",
        "and memory), messages a second:",
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
    lines = [f"{'stage':28}  cycles      ns  calls a message (probes of {result['probe_cycles']:.0f} cycles taken off)"]
    for stage in result["stages"]:
        ns = stage["cycles"] / result["tsc_hz"] * 1e9
        lines.append(f"{stage['name']:28} {stage['cycles']:7.0f} {ns:7.0f}  {stage['calls']:5.2f}")
    return lines, result["stages"]
