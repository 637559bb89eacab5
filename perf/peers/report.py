# SPDX-License-Identifier: BSD-3-Clause
"""What was found of each proxy, as tables and pictures."""

import json
import os

import plots

SHARES = ["p50", "p90", "p99", "p99.9"]
PASSAGES = ["lateness", "invite_passes", "ringing", "answer_passes", "bye"]
RATE = "calls a second"
COST = "microseconds a call"
HALF_BUDGET_US = 100  # of a message at half load, p99.9


def each(results, key):
    """Names beside each of their rows."""
    return [(name, row) for name, result in results.items() for row in result.get(key, [])]


def repeats(run):
    """What callgen had to say again."""
    return run["requests_repeated"] + run["answers_repeated"]


def cost_table(results):
    """CPU time a call, and what did not go as it had to."""
    columns = ["proxy", "calls/s", "call", "with polls", "threads", "worker", "softirq", "user", "repeats", "not completed"]
    rows = []
    for name, run in each(results, "curve"):
        cost = [run["cost"][key] for key in ("call", "with_polls", "threads", "worker", "softirq", "user")]
        rows.append([name, run["rate"], *cost, repeats(run), run["started"] - run["completed"]])
    return plots.table(columns, rows)


def time_table(results):
    """Percentiles."""
    rows = []
    for name, run in each(results, "curve"):
        for what in PASSAGES:
            rows.append([name, run["rate"], what] + [run["microseconds"][what][key] for key in SHARES])
    return plots.table(["proxy", "calls/s", "time"] + SHARES, rows)


def added(run, alone, what):
    """By share, what a time is longer than without a proxy."""
    return [run["microseconds"][what][key] - alone["microseconds"][what][key] for key in SHARES]


def added_table(results, alone):
    """Percentiles less those of callgen alone at the same rate."""
    own, rows = {row["rate"]: row for row in alone}, []
    for rate, row in own.items():
        for what in PASSAGES:
            rows.append(["callgen alone", rate, what] + [row["microseconds"][what][key] for key in SHARES])
    for name, run in each(results, "curve"):
        if run["rate"] in own:
            for what in PASSAGES[1:]:
                rows.append([name, run["rate"], what] + added(run, own[run["rate"]], what))
    return plots.table(["proxy", "calls/s", "time"] + SHARES, rows)


def half_table(results):
    """At half of the most: what an INVITE and its 180 wait in the proxy, beside the budget."""
    rows = []
    for name, result in results.items():
        half = result.get("half")
        for what in ("invite_passes", "ringing") if half else ():
            more = added(half["figures"], half["direct"], what)
            # A 180 has passed twice.
            met = more[-1] <= HALF_BUDGET_US * (2 if what == "ringing" else 1)
            rows.append([name, half["rate"], what] + more + ["yes" if met else "no"])
    return plots.table(["proxy", "calls/s", "time"] + SHARES + ["met"], rows)


def order_table(results):
    """Messages that another one overtook, in runs in which nobody repeated any."""
    rows = []
    for name, result in results.items():
        quiet = [run for run in result["curve"] if repeats(run) == 0]
        messages, swapped = (sum(run[key] for run in quiet) for key in ("packets_received", "reordered"))
        rows.append([name, messages, swapped, 1e6 * swapped / messages if messages else None])
    return plots.table(["proxy", "messages", "reordered", "in a million"], rows)


def worker_table(results):
    """The most by workers, and by where they run."""
    rows = [[name, row["workers"], row["cpus"], row["rate"]] for name, row in each(results, "workers")]
    return plots.table(["proxy", "workers", "processors", "calls/s"], rows)


def limit_table(results):
    """The most, and five times that."""
    rows = []
    for name, result in results.items():
        most, over = result["highest"], result.get("overload")
        row = [name, most["rate"], most["first_loss"], "yes" if most["on_time"] else "no"]
        if over:
            row += [over["asked"], over["offered"], over["figures"]["skipped"], over["goodput"], 100 * over["goodput"] / most["rate"]]
        rows.append(row + [None] * (9 - len(row)))
    columns = ["proxy", "calls/s", "first loss at", "on time", "five times", "offered/s", "skipped", "completed/s", "% of the most"]
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
        # Dialgate's that share a processor are in the table alone.
        own = [row for row in result.get("workers", []) if not row["cpus"] == "0" or row["workers"] == 1 or name != "dialgate"]
        workers[name] = [(row["workers"], row["rate"]) for row in own]
    ringing = "INVITE due until its 180 is there, through the proxy and back"
    yield "latency.svg", plots.svg(ringing, (RATE, "microseconds"), latency, (True, True))
    yield "cost.svg", plots.svg("CPU time of a call by load", (RATE, COST), cost, (True, False))
    yield "held.svg", plots.svg("CPU time of a call by dialogs held", ("dialogs held", COST), held, (True, False))
    yield "workers.svg", plots.svg("Calls without loss by workers (Dialgate) or processes a socket (Kamailio)", ("workers", RATE), workers)


def texts(machine, results, alone):
    """What is printed: as it stands it can go into a README."""
    where = f"{machine['processor']}, {machine['cpus']} processors; kernel {machine['kernel']}"
    yield f"Load average before: {machine['load']:.2f}; {where}."
    for name, result in results.items():
        yield f"{name} takes {result['resting'] * 1000:.1f} ms a second without calls, which is no part of what follows."
    tables = [
        ("CPU time a call, us", cost_table(results)),
        ("Times, us", time_table(results)),
        ("Times less those of callgen alone, us (differences of percentiles)", added_table(results, alone)),
        (f"At half of the most, us more than callgen alone (budget: {HALF_BUDGET_US} us for a message)", half_table(results)),
        ("Without loss, and at five times that", limit_table(results)),
        ("Order", order_table(results)),
        ("Memory", memory_table(results)),
    ]
    if any(result.get("workers") for result in results.values()):
        tables.append(("The most by workers (Dialgate) or processes a socket (Kamailio)", worker_table(results)))
    for title, table in tables:
        yield f"\n{title}:\n\n```\n{table}\n```"


def write(folder, machine, results, alone):
    """JSON, SVG, and the tables on standard output, too."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "peers.json"), "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "proxies": results, "direct": alone}, file, indent=1)
        file.write("\n")
    for name, picture in pictures(results):
        if picture:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(picture)
    text = "\n".join(texts(machine, results, alone)) + "\n"
    with open(os.path.join(folder, "peers.md"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text)
    print(f"tables, figures and pictures: {folder}")
