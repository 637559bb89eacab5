# SPDX-License-Identifier: BSD-3-Clause
"""Two files of figures, written by perf/run --json, beside each other."""

import json
import sys

import judge


def load(path):
    """Rows by name, and the machine."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        return {row["name"]: row for row in found["rows"] if row["times"]}, found["machine"]
    except (OSError, ValueError, KeyError, TypeError) as why:
        sys.exit(f"perf/run: {path} has no figures of perf/run --json: {why!r}")


def verdict(old, new):
    """A difference counts when the rounds of both do not overlap. A figure without rounds has nothing to overlap."""
    if min(new["times"]) > max(old["times"]):
        return "more"
    if max(new["times"]) < min(old["times"]):
        return "less"
    return "same" if old["times"] == new["times"] else "within the spread"


def lines_of(old, new):
    """A line a row that is in both."""
    for name in sorted(old.keys() & new.keys()):
        one, other = old[name], new[name]
        before, after = judge.median(one["times"]), judge.median(other["times"])
        change = f"{after / before:.2f}" if before else "-"
        spreads = [f"{judge.spread(row['times']):.0%}" for row in (one, other)]
        figures = [judge.number(before, one["unit"]), judge.number(after, other["unit"])]
        said = verdict(one, other)
        if one["unit"] != other["unit"]:
            change, figures[0], said = "-", f"{figures[0]} {one['unit']}", "of another unit"
        yield [name, figures[0], figures[1], other["unit"], change, *spreads, said]


def where(path, found):
    """The line of a file."""
    quiet = "" if found.get("quiet") else ", LOADED"
    return f"{path}: {found['processor']}, kernel {found['kernel']}, commit {found['commit']}{quiet}"


def text(old_path, new_path):
    """All that is to be said of two files."""
    (old, old_machine), (new, new_machine) = load(old_path), load(new_path)
    said = [where(old_path, old_machine), where(new_path, new_machine)]
    if any(old_machine[key] != new_machine[key] for key in ("processor", "processors", "kernel")):
        said.append("not the same machine: only ratios to peers and floors can be compared")
    columns = ["name", "old", "new", "unit", "new / old", "spread old", "new", "the new one is"]
    said += ["", judge.table(columns, list(lines_of(old, new)))]
    for path, names in ((old_path, old.keys() - new.keys()), (new_path, new.keys() - old.keys())):
        if names:
            said.append(f"only in {path}: {', '.join(sorted(names))}")
    return "\n".join(said)
