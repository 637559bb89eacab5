# SPDX-License-Identifier: BSD-3-Clause
"""What was found of each proxy, as tables and pictures."""

import json
import os

import plots

SHARES = ["p50", "p90", "p99", "p99.9"]
PASSAGES = ["lateness", "invite_passes", "ringing", "answer_passes", "bye"]
RATE = "calls a second"
COST = "microseconds a call"


def each(results, key):
    """Names beside each of their rows."""
    return [(name, row) for name, result in results.items() for row in result.get(key, [])]


def cost_table(results):
    """CPU time a call, and what did not go as it had to."""
    columns = ["proxy", "calls/s", "call", "threads", "softirq", "user", "idle polls", "repeats", "reordered", "not completed"]
    rows = []
    for name, run in each(results, "curve"):
        cost = [run["cost"][key] for key in ("call", "threads", "softirq", "user", "polls")]
        repeats = run["requests_repeated"] + run["answers_repeated"]
        rows.append([name, run["rate"], *cost, repeats, run["reordered"], run["started"] - run["completed"]])
    return plots.table(columns, rows)


def time_table(results):
    """Percentiles."""
    rows = []
    for name, run in each(results, "curve"):
        for what in PASSAGES:
            rows.append([name, run["rate"], what] + [run["microseconds"][what][key] for key in SHARES])
    return plots.table(["proxy", "calls/s", "time"] + SHARES, rows)


def limit_table(results):
    """The most, and five times that."""
    rows = []
    for name, result in results.items():
        most, over = result["highest"], result.get("overload")
        row = [name, most["rate"], most["first_loss"], "yes" if most["on_time"] else "no"]
        if over:
            row += [over["asked"], over["offered"], over["goodput"], 100 * over["goodput"] / most["rate"]]
        rows.append(row + [None] * (8 - len(row)))
    columns = ["proxy", "calls/s", "first loss at", "on time", "five times", "offered", "completed/s", "% of the most"]
    return plots.table(columns, rows)


def memory_table(results):
    """Octets of a call."""
    rows = []
    for name, result in results.items():
        rows.append([name, "a call that rings", result["pending"]["count"], result["pending"]["octets"], None])
    for name, row in each(results, "held"):
        rows.append([name, "a held dialog", row["count"], row["octets"], row["figures"]["cost"]["call"]])
    return plots.table(["proxy", "of", "count", "octets each", "us a call"], rows)


def pictures(results):
    """By file name, pictures; None where there is nothing to show."""
    latency, cost, held, workers = {}, {}, {}, {}
    for name, result in results.items():
        for key in ("p50", "p99.9"):
            latency[f"{name}, {key}"] = [(run["rate"], run["microseconds"]["ringing"][key]) for run in result["curve"]]
        cost[name] = [(run["rate"], run["cost"]["call"]) for run in result["curve"]]
        held[name] = [(row["count"], row["figures"]["cost"]["call"]) for row in result["held"]]
        workers[name] = [(row["workers"], row["rate"]) for row in result.get("workers", [])]
    ringing = "INVITE due until its 180 is there, through the proxy and back"
    yield "latency.svg", plots.svg(ringing, (RATE, "microseconds"), latency, (True, True))
    yield "cost.svg", plots.svg("CPU time of a call by load", (RATE, COST), cost, (True, False))
    yield "held.svg", plots.svg("CPU time of a call by dialogs held", ("dialogs held", COST), held, (True, False))
    yield "workers.svg", plots.svg("Calls without loss by workers (Dialgate) or processes a socket (Kamailio)", ("workers", RATE), workers)


def write(folder, machine, results):
    """JSON, SVG, and the tables on standard output."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "peers.json"), "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "proxies": results}, file, indent=1)
        file.write("\n")
    for name, picture in pictures(results):
        if picture:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(picture)
    where = f"{machine['processor']}, {machine['cpus']} processors; kernel {machine['kernel']}"
    print(f"load average before: {machine['load']:.2f}; {where}")
    for name, result in results.items():
        print(f"{name} takes {result['resting'] * 1000:.1f} ms a second without calls, which is no part of what follows")
    print("\nCPU time a call, us\n\n" + cost_table(results))
    print("\nTimes, us\n\n" + time_table(results))
    print("\nWithout loss, and at five times that\n\n" + limit_table(results))
    print("\nMemory\n\n" + memory_table(results))
    print(f"\nfigures and pictures: {folder}")
