# SPDX-License-Identifier: BSD-3-Clause
"""The budgets: what was promised of which row, and what came of it. All of them stand here and nowhere else.

A budget in nanoseconds is meant for one core of a 2.3 GHz Xeon, on which sofia-sip reads the INVITE in 3.6 us and rte_hash finds one of a
million in 18 ns: on another machine those beside a peer of the same run count."""

import json
import os
from typing import NamedTuple, Optional

import judge

MOST, FASTER, TIMES = "at most", "times faster", "times the base"


class Budget(NamedTuple):
    """MOST: the figure is at most `limit`, in the row's unit; FASTER: the peer takes at least `limit` times as much; TIMES: it is at most
    `limit` times what the base takes. Without a limit the figure is only told."""

    what: str
    row: str
    kind: str
    limit: Optional[float]
    needs: str = ""  # "root", "long", "peers": what a run has to have for it


BUDGETS = [
    Budget("INVITE of 890 octets parsed", "sip_parse/invite", MOST, 200),
    Budget("INVITE parsed, beside sofia-sip", "sip_parse/invite", FASTER, 18),
    Budget("Call-ID of an INVITE found", "sip_peek/invite", MOST, 60),
    Budget("Call-ID found, beside sofia-sip's parser", "sip_peek/invite", FASTER, 60),
    Budget("message, 1 M dialogs held: first mark, 2 M/s", "wire/1m", MOST, 500),
    Budget("message, 1 M dialogs held: goal, 3 M/s", "wire/1m", MOST, 1e3 / 3),
    Budget("CPU of a call in memory, beside Kamailio's", "call/wire", FASTER, 60, "peers"),
    Budget("CPU of a call over veth, beside Kamailio's", "call/veth", FASTER, 7, "peers"),
    Budget("confirmed dialog, fresh", "dialog_octets/fresh", MOST, 250),
    Budget("confirmed dialog, after churn", "dialog_octets/churned", MOST, None),
    Budget("transaction, beyond the INVITE it keeps", "transaction_octets/invite-client", MOST, 512),
    Budget("transaction, beyond the answer it keeps", "transaction_octets/invite-server", MOST, 512),
    Budget("table, one of 1 M in bulk", "table_bulk/1m", MOST, 15),
    Budget("table, one of 1 M, beside rte_hash", "table_bulk/1m", FASTER, 1.2),
    Budget("table, one of 4 M in bulk", "table_bulk/4m", MOST, 20),
    Budget("table, one of 4 M, beside rte_hash", "table_bulk/4m", FASTER, 1.5),
    Budget("table, an entry", "table_octets/1m", MOST, 24),
    Budget("dialog changes its state", "dialog_step/hot", MOST, 6),
    Budget("timer armed or cancelled, 1 M pending", "wheel_arm_cancel/1m", MOST, 30),
    Budget("message with 10 M dialogs, beside 10,000", "wire/10m", TIMES, 1.5, "long"),
    Budget("two workers, one 5-tuple, beside one", "wire_two/one", FASTER, 1.8),
    Budget("two workers, spread, beside one", "wire_two/spread", FASTER, 1.8),
    Budget("prefilter, a peer among 20 prefixes", "prefilter_peer/20-perfmon", MOST, 100, "root"),
    Budget("prefilter, a peer among 10,000", "prefilter_peer/10k-perfmon", MOST, 180, "root"),
    Budget("prefilter, a stranger refused", "prefilter_refused_stranger/20-perfmon", MOST, 200, "root"),
    Budget("added latency at half load, p99.9", "wire_latency/half", MOST, 100),
    Budget("the same over veth, kernel included", "latency/veth", MOST, 100, "peers"),
]
NOT_ASKED = "not asked for"
NEEDS = {"root": "needs root", "long": "only with --long", "peers": "needs sudo perf/peers/run with this --build before"}


def said(budget):
    """The limit in words."""
    if budget.limit is None:
        return "told"
    if budget.kind == MOST:
        return f"{budget.limit:.4g}"
    return f"{budget.limit:g} x" if budget.kind == FASTER else f"<= {budget.limit:g} x"


def is_met(budget, row):
    """True or False; None where what it is measured by is not there, or nothing was promised."""
    value = {MOST: row["figure"], FASTER: row["ratio"], TIMES: row["times_base"]}[budget.kind]
    if value is None or budget.limit is None:
        return None
    return value >= budget.limit if budget.kind == FASTER else value <= budget.limit


def note(rows):
    """Writes budgets, and whether they are met, into the rows that have some."""
    for budget in BUDGETS:
        row = rows.get(budget.row)
        if row is None:
            continue
        met = {True: "yes", False: "no", None: "-"}[is_met(budget, row)]
        row["budget"] = ", ".join([row["budget"], said(budget)] if "budget" in row else [said(budget)])
        row["met"] = " ".join([row["met"], met] if "met" in row else [met])


def why(budget, row, chosen):
    """Why there is no answer."""
    if row is not None:
        if budget.needs == "peers":
            return NEEDS["peers"]
        missing = row["label"].get("peer" if budget.kind == FASTER else "base")
        return f"{missing} was not measured"
    if chosen["names"]:
        return NOT_ASKED
    if budget.needs in ("root", "long") and not chosen[budget.needs]:
        return NEEDS[budget.needs]
    return NEEDS["peers"] if budget.needs == "peers" else "no such row came, see above"


def results(rows, chosen):
    """What came of each budget, as dictionaries for the JSON. `chosen`: names, whether something was chosen by name, root and long."""
    found = []
    for budget in BUDGETS:
        row = rows.get(budget.row)
        one = {"what": budget.what, "row": budget.row, "kind": budget.kind, "limit": budget.limit, "met": None}
        if row is not None:
            one |= {"figure": row["figure"], "unit": row["unit"], "met": is_met(budget, row)}
            one |= {"beside": beside(budget, row), "ratio": row["times_base"] if budget.kind == TIMES else row["ratio"]}
        if row is not None and budget.limit is None:
            one["answer"] = "told"
        elif one["met"] is None:
            one["answer"] = f"not measured: {why(budget, row, chosen)}"
        else:
            one["answer"] = "met" if one["met"] else "NOT MET"
        found.append(one)
    return found


def beside(budget, row):
    """The name and figure of what it is held against: what a budget of its kind asks for, else the peer, else the floor."""
    if budget.kind == TIMES:
        return row["label"].get("base"), None if row["times_base"] is None else row["figure"] / row["times_base"]
    which = "peer" if row["peer"] is not None else "floor"
    return (row["label"][which], row[which]) if row[which] is not None else None


def text(found):
    """The closing table. What was not asked for is only counted."""
    lines, left_out = [], 0
    for one in found:
        if one["answer"].endswith(NOT_ASKED):
            left_out += 1
            continue
        figure, other, times = "-", "-", "-"
        if "figure" in one:
            figure = f"{judge.number(one['figure'], one['unit'])} {one['unit']}"
            if one["beside"] and one["beside"][1] is not None:
                other = f"{judge.number(one['beside'][1], one['unit'])} {one['beside'][0]}"
            times = "-" if one["ratio"] is None else f"{one['ratio']:.2f}"
        budget = Budget(one["what"], one["row"], one["kind"], one["limit"])
        lines.append([one["what"], figure, other, times, said(budget), one["answer"]])
    said_so = f"\n{left_out} more budgets, of rows that were not asked for" if left_out else ""
    return judge.table(["Budgets", "figure", "peer, base or floor", "ratio", "budget", ""], lines, left=(5,)) + said_so


def least_cost(peers, name):
    """CPU time of a call of one proxy, in us, at that rate of perf/peers at which it took least; None where it is not known."""
    runs = peers.get("proxies", {}).get(name, {}).get("curve", [])
    costs = [run["cost"]["call"] for run in runs if run["completed"] >= 0.98 * run["started"] > 0]
    return min(costs, default=None)


def added_latency(peers, name):
    """What an INVITE waits in one proxy at half of the most it stands, p99.9 in us, less what callgen alone takes; None where it is
    not known."""
    half = peers.get("proxies", {}).get(name, {}).get("half")
    if not half:
        return None
    with_it, without = [half[key]["microseconds"]["invite_passes"]["p99.9"] for key in ("figures", "direct")]
    return with_it - without


def load_peers(build):
    """What perf/peers/run has left in the build folder; empty where it was not run."""
    try:
        with open(os.path.join(build, "peers", "peers.json"), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def add_calls(rows, peers):
    """Rows of what a call takes: on the wire, with all that comes with it, and over veth, both beside Kamailio, tuned, over
    veth, each proxy's at the rate at which a call costs it least; and what an INVITE waits in either."""
    kamailio = "kamailio-tuned"
    rounds = [one["ns"] / one["calls"] / 1e3 for one in rows.get("wire/10k", {}).get("rounds", []) if one["calls"] > 0]
    made = [
        (f"call/{kamailio}", [least_cost(peers, kamailio)], {}),
        ("call/veth", [least_cost(peers, "dialgate")], {"peer": f"call/{kamailio}"}),
        ("call/wire", rounds, {"peer": f"call/{kamailio}"}),
        (f"latency/{kamailio}", [added_latency(peers, kamailio)], {}),
        ("latency/veth", [added_latency(peers, "dialgate")], {"peer": f"latency/{kamailio}"}),
    ]
    for name, times, label in made:
        if times and times[0] is not None:
            rows[name] = {"name": name, "unit": "us", "times": times, "label": label}
