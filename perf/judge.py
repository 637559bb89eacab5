# SPDX-License-Identifier: BSD-3-Clause
"""Figures of rows, and their table. A row has its name, its unit, `times` (the figure of each round, in that unit), and a label: the
names of its floor, its peer and its base. Where rounds took turns otherwise than one by one, `pairs` has what each was beside its base,
or its peer beside it."""

COUNTERS = ["instructions", "cycles", "branch_misses", "cache_misses", "l1i_misses"]  # shown where the machine has them


def median(values):
    """The middle value, or the mean of the two in the middle."""
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def spread(values):
    """Largest less smallest, over the median."""
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def ratio(above, below):
    """The median of one row's rounds over another's: round by round where they took turns, since what one round suffers, both
    suffer. None where there is nothing to be a part of."""
    if 0 in below:
        return None
    if len(above) != len(below):
        return median(above) / median(below)
    return median([one / other for one, other in zip(above, below)])


def judge(rows):
    """Adds figures to the rows: what they are, and what they are beside others."""
    for row in rows.values():
        row.setdefault("unit", "ns")
        row["figure"] = median(row["times"])
        row["spread"] = spread(row["times"])
    for row in rows.values():
        floor, peer, base = [rows.get(row["label"].get(which)) for which in ("floor", "peer", "base")]
        row["floor"] = floor["figure"] if floor else None
        row["peer"] = peer["figure"] if peer else None
        pairs = median(row["pairs"]) if row.get("pairs") else None
        row["ratio"] = (pairs or ratio(peer["times"], row["times"])) if peer else None
        row["times_base"] = (pairs or ratio(row["times"], base["times"])) if base else None
        row["base"] = f"{row['times_base']:.2f} x {base['name']}" if row["times_base"] else None


def number(value, unit):
    """A figure with as many digits as say something: counts of misses are mostly below one."""
    return f"{value:,.{0 if value >= 10000 else 1 if unit in ('ns', 'octets') else 2}f}"


def cell(row, column):
    """The text of a cell."""
    value = row.get(column)
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if column == "spread":
        return f"{value:.0%}"
    if column == "ratio":
        return f"{value:.1f}"
    return number(value, column if column in COUNTERS else row["unit"])


def table(columns, lines, left=()):
    """Text of a table: the first column, and those in `left`, to the left, the others to the right."""
    lines = [columns] + lines
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    rows = []
    for line in lines:
        cells = [line[i].ljust(width) if i == 0 or i in left else line[i].rjust(width) for i, width in enumerate(widths)]
        rows.append("  ".join(cells).rstrip())
    return "\n".join(rows)


def show(rows):
    """Text of all rows, each with what it has."""
    every = list(rows.values())
    columns = ["name", "figure", "unit", "spread", "floor", "peer", "ratio", "base"]
    columns += [name for name in COUNTERS if any(name in row for row in every)] + ["budget", "met"]
    return table(columns, [[cell(row, column) for column in columns] for row in every])
