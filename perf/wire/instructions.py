#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Instructions of the worker for a message it receives, counted by callgrind on `wire`: of mixed traffic, by function, and of each kind of
message alone (--sorted). The same run gives the same figures on whatever machine; times do not.

What is counted lies between the first turn of a batch and the last one, so that far ends are not in it. valgrind knows no AVX-512. A
function's figure has those that it calls in it, and its own part is beside it."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SIZE = ["--dialogs", "1000", "--rounds", "1", "--whole", "0"]
CACHES = ["--cache-sim=yes", "--branch-sim=yes", "--I1=32768,8,64", "--D1=32768,8,64", "--LL=1048576,16,64"]
MISSES = {"code lines": ["I1mr"], "data lines": ["D1mr", "D1mw"], "beyond 1 MiB": ["ILmr", "DLmr", "DLmw"], "branches": ["Bcm", "Bim"]}
# Functions, in the order in which a message comes to them.
STAGES = ["rx_burst", "screen_burst", "steer_burst", "process", "parse_stage", "message_parse", "transaction_stage", "dialog_stage"]
STAGES += ["dialog_find", "route_stage", "dialog_begin", "dialog_request", "dialog_response", "forward_render", "forward_response"]
STAGES += ["tx_send", "tx_flush", "expire_slice"]


class Profile:
    """What callgrind has written: costs of each function, its own and with what it called."""

    def __init__(self, path):
        self.own, self.whole, self.calls, self.names = {}, {}, {}, []
        with open(path, encoding="utf-8") as file:
            lines = iter(file)
            for line in lines:
                self.take(line.rstrip("\n"), lines)
        for name, cost in self.own.items():
            if name not in self.whole:  # called from outside of what is counted
                arcs = [cost for (caller, _), cost in self.calls.items() if caller == name]
                self.whole[name] = [sum(column) for column in zip(cost, *arcs)]

    def take(self, line, lines):
        """One line, and the one behind it where they belong together."""
        if line.startswith("events:"):
            self.names = line.split()[1:]
        elif line.startswith("fn="):
            self.function = line[3:]
        elif line.startswith("cfn="):
            self.callee = line[4:]
        elif line.startswith("calls="):
            cost = self.costs(next(lines))
            add(self.calls, (self.function, self.callee), cost)
            if self.function != self.callee:
                add(self.whole, self.callee, cost)
        elif line[:1].isdigit():
            add(self.own, self.function, self.costs(line))

    def costs(self, line):
        """Of a line: zeros at its end are left out."""
        found = [int(word) for word in line.split()[1:]]
        return found + [0] * (len(self.names) - len(found))

    def total(self):
        """Of all that was counted."""
        return [sum(column) for column in zip(*self.own.values())]


def add(table, key, cost):
    """Adds costs to what the table has."""
    table[key] = [one + more for one, more in zip(table.get(key, [0] * len(cost)), cost)]


def count(program, messages, toggle, more):
    """Runs the wire under callgrind. Returns the profile, and what the program said in its JSON; ends with the reason if it has none."""
    with tempfile.TemporaryDirectory() as folder:
        out, figures = os.path.join(folder, "profile"), os.path.join(folder, "json")
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--toggle-collect={toggle}", "--compress-strings=no"]
        tool += ["--compress-pos=no", *[word for word in more if word in CACHES]]
        run = [program, *SIZE, "--messages", str(messages), "--json", figures, *[word for word in more if word not in CACHES]]
        done = subprocess.run([*tool, *run], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(run)}: {done.stdout.strip()[-400:]}")
        with open(figures, encoding="utf-8") as file:
            return Profile(out), json.load(file)


def stages(profile, received):
    """Lines of a table: what functions take of a message."""
    lines = [f"{'of a message received, mixed traffic':36} instructions     own"]
    for name in STAGES:
        whole, own = profile.whole.get(name), profile.own.get(name)
        if own is None:
            lines.append(f"  {name:34} {'is no function of its own any more':>20}")
            continue
        lines.append(f"  {name:34} {whole[0] / received:12,.0f} {own[0] / received:7,.0f}")
    return lines


def most(profile, received, number):
    """Lines of the functions that take most themselves."""
    rows = sorted(profile.own.items(), key=lambda row: -row[1][0])[:number]
    return [f"{'functions that take most themselves':36} instructions"] + [
        f"  {name[:34]:34} {cost[0] / received:12,.0f}" for name, cost in rows
    ]


def missed(profile, received):
    """Lines of what the simulated caches and predictors miss."""
    total = dict(zip(profile.names, profile.total()))
    if "Bcm" not in total:
        return []
    words = [f"{sum(total[event] for event in events) / received:,.1f} {name}" for name, events in MISSES.items()]
    return ["missed a message (32 KiB of code and of data, 1 MiB behind them): " + ", ".join(words)]


def kinds(program, messages):
    """Instructions of a message by kind, in batches of one kind."""
    profile, figures = count(program, messages, "work_kind_*", ["--sorted"])
    found = {}
    for kind in figures["kinds"]:
        name = f"work_kind_{kind['function']}"
        if kind["received"] > 0 and name in profile.whole:
            found[kind["name"]] = profile.whole[name][0] / kind["received"]
    return found


def measure(program, messages=20000, caches=False, number=0):
    """Rows by name, in the form of perf/run's, and lines for a reader. Nothing without valgrind."""
    if shutil.which("valgrind") is None:
        print("instructions are not counted: valgrind is not there", file=sys.stderr)
        return {}, []
    profile, figures = count(program, messages, "work_measured", CACHES if caches else [])
    received = sum(one["received"] for one in figures["rounds"])
    mixed = profile.total()[0] / received
    by_kind = kinds(program, messages)
    rows = {"mixed": mixed} | {re.sub(r"[, ]+", "_", name): figure for name, figure in by_kind.items()}
    lines = stages(profile, received) + [f"  {'all':34} {mixed:12,.0f}"] + missed(profile, received)
    lines += [f"{'of a message, in batches of one kind':36} instructions"]
    lines += [f"  {name:34} {figure:12,.0f}" for name, figure in by_kind.items()]
    lines += most(profile, received, number) if number else []
    return {
        f"wire_instructions/{name}": {
            "name": f"wire_instructions/{name}",
            "unit": "instructions",
            "times": [figure],
            "label": {},
        }
        for name, figure in rows.items()
    }, lines


def main():
    """Prints them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="build-perf/perf/wire/wire, or one of another build")
    parser.add_argument("--messages", type=int, default=20000, help="counted (20000)")
    parser.add_argument("--caches", action="store_true", help="simulate caches and branch prediction, too (three times longer)")
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="also the N functions that take most themselves")
    options = parser.parse_args()
    print("\n".join(measure(options.program, options.messages, options.caches, options.functions)[1]))


if __name__ == "__main__":
    main()
