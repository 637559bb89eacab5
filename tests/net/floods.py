# SPDX-License-Identifier: BSD-3-Clause
"""What a flood did: `floods.py measure PID NAMESPACE... <METRICS >FILE` keeps how things stand, `floods.py judge BEFORE AFTER SENT`
compares two of those with what the flooder says that it sent, prints it, and fails where they do not agree."""

import glob
import json
import os
import re
import subprocess
import sys
import time

CLOCK = os.sysconf("SC_CLK_TCK")
PASSES = ("passed", "dry_run")


def metrics(text):
    """Rows of /metrics: name and labels -> value."""
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")}


def label(name, key):
    found = re.search(rf'[{{,]{key}="([^"]*)"', name)
    return found.group(1) if found else ""


def busy(pid):
    """Seconds of CPU of each thread, by name."""
    seconds = {}
    for path in glob.glob(f"/proc/{pid}/task/*/stat"):
        with open(path, encoding="utf-8") as file:
            head, _, rest = file.read().partition(") ")
        fields = rest.split()
        name = head.partition("(")[2]
        seconds[name] = seconds.get(name, 0) + (int(fields[11]) + int(fields[12])) / CLOCK
    return seconds


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


def maps(pid):
    """Octets that the kernel holds for each BPF map, and the room in it, by number."""
    found = {}
    for path in glob.glob(f"/proc/{pid}/fdinfo/*"):
        try:
            with open(path, encoding="utf-8") as file:
                fields = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        except FileNotFoundError:
            continue
        if "map_id" in fields:
            found[fields["map_id"]] = {"octets": int(fields["memlock"]), "room": int(fields["max_entries"])}
    for number, one in found.items():
        shown = subprocess.run(["bpftool", "-j", "map", "show", "id", number], stdout=subprocess.PIPE, check=True).stdout
        one["name"], one["type"] = (json.loads(shown).get(key, "") for key in ("name", "type"))
        if "hash" in one["type"]:
            dump = subprocess.run(["bpftool", "-j", "map", "dump", "id", number], stdout=subprocess.PIPE, check=True).stdout
            one["entries"] = len(json.loads(dump or "[]"))
    return found


def lost(spaces):
    """Packets that interfaces on the way had no room for."""
    total = 0
    for space in spaces:
        shown = subprocess.run(["ip", "-n", space, "-j", "-s", "link"], stdout=subprocess.PIPE, check=True).stdout
        for link in json.loads(shown):
            total += sum(link["stats64"][way]["dropped"] for way in ("rx", "tx"))
    return total


def measure(pid, spaces):
    rows = metrics(sys.stdin.read())
    classes, reasons, turns, missed = {}, {}, {}, 0
    for name, value in rows.items():
        if name.startswith("dialgate_prefilter_class_packets_total{"):
            classes.setdefault(label(name, "peer"), {})[label(name, "result")] = value
        elif name.startswith("dialgate_prefilter_packets_total{") and label(name, "network") == "outside":
            reasons[label(name, "reason")] = value
        elif name.startswith("dialgate_turns_total{"):
            turns.setdefault(label(name, "worker"), {})[label(name, "work")] = value
        elif name.startswith("dialgate_network_packets_missed_total{"):
            missed += value
    json.dump({"time": time.monotonic(), "classes": classes, "reasons": reasons, "turns": turns, "missed": missed, "busy": busy(pid),
               "resident": resident(pid), "maps": maps(pid), "lost": lost(spaces)}, sys.stdout)


def grown(before, after):
    return {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}


def judge(before, after, sent):
    seconds = after["time"] - before["time"]
    floods = [grown(before["classes"].get(peer, {}), after["classes"].get(peer, {})) for peer in ("-", "carrier-b")]
    seen = int(sum(sum(flood.values()) for flood in floods))
    passed = int(sum(flood.get(result, 0) for flood in floods for result in PASSES))
    total, gone = sum(sent.values()), after["lost"] - before["lost"] + int(after["missed"] - before["missed"])
    print(f"  sent in {seconds:.0f} s: {', '.join(f'{kind} {count}' for kind, count in sent.items())}; seen {seen}, passed {passed}, "
          f"lost on the way {gone}")
    print("  by reason: " + ", ".join(f"{reason} {count:.0f}" for reason, count in sorted(grown(before["reasons"], after["reasons"]).items())))
    load = grown(before["busy"], after["busy"])
    print("  CPU of threads: " + ", ".join(f"{name} {100 * value / seconds:.0f} %" for name, value in sorted(load.items())))
    for worker, turns in sorted(after["turns"].items()):
        turned = grown(before["turns"][worker], turns)
        print(f"  worker {worker}: {100 * turned.get('yes', 0) / max(1, sum(turned.values())):.1f} % of its turns had work")
    print(f"  resident: {before['resident']} kB before, {after['resident']} kB after")
    for one in sorted(after["maps"].values(), key=lambda one: one["name"]):
        if one.get("entries", 0) > 0:
            print(f"  map {one['name']}: {one['entries']} of {one['room']} entries, {one['octets']} octets")
    faults = []
    if not 0 <= total - seen <= gone:
        faults.append(f"{total} sent, {seen} seen by the filter, {gone} lost on the way")
    if passed > total / 5:
        faults.append(f"{passed} of {total} passed, ten times the limit were sent")
    ours = grown(before["classes"]["carrier-a"], after["classes"]["carrier-a"])
    if set(ours) - set(PASSES):
        faults.append(f"of carrier-a: {ours}")
    held = [{number: one["octets"] for number, one in state["maps"].items()} for state in (before, after)]
    if held[0] != held[1]:
        faults.append(f"maps held {held[0]} octets before, {held[1]} after")
    # Buffers and tables have their size from the start: what is touched for the first time is little.
    if after["resident"] > before["resident"] + 2048:
        faults.append(f"resident memory grew by {after['resident'] - before['resident']} kB")
    return faults


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


if sys.argv[1] == "measure":
    measure(int(sys.argv[2]), sys.argv[3:])
else:
    with open(sys.argv[4], encoding="utf-8") as log:
        flooded = {words[0]: int(words[1]) + int(words[2]) for words in map(str.split, log)}
    wrong = judge(load(sys.argv[2]), load(sys.argv[3]), flooded)
    sys.exit("\n".join(wrong) if wrong else 0)
