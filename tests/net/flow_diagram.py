# SPDX-License-Identifier: BSD-3-Clause
"""A sequence diagram as plain text: a line for each party, an arrow for each thing that passed.

    flow_diagram.py FILE OTHER    says in which diagram two files differ, party by party
"""

import sys

PARTIES = {"carrier": 6, "dialgate": 36, "sbc": 66, "program": 96}  # columns
WIDTH = max(PARTIES.values()) + 1


def lifelines():
    row = [" "] * WIDTH
    for column in PARTIES.values():
        row[column] = "|"
    return row


def arrow(source, to, text):
    row = lifelines()
    left, right = sorted((PARTIES[source], PARTIES[to]))
    for column in range(left + 1, right):
        row[column] = "-"
    row[left + 1 if to == source or PARTIES[to] < PARTIES[source] else right - 1] = "<" if PARTIES[to] < PARTIES[source] else ">"
    words = f" {text[: right - left - 6]} "
    # In the first stretch beside Dialgate, so that a line that it crosses cuts no word.
    begin = left + 3
    row[begin : begin + len(words)] = words
    return "".join(row).rstrip()


def heading():
    row = [" "] * (WIDTH + 4)
    for name, column in PARTIES.items():
        begin = column - len(name) // 2
        row[begin : begin + len(name)] = name
    return "".join(row).rstrip()


def draw(steps):
    """Steps are (time, source, to, text)."""
    return "\n".join([heading(), *(arrow(source, to, text) for _, source, to, text in sorted(steps, key=lambda step: step[0]))])


def between(line):
    """(source, to, text) of a line of a diagram, None: it has no arrow."""
    names = list(PARTIES)
    for index, (name, column) in enumerate(PARTIES.items()):
        for step, tip in ((1, "<"), (-1, ">")):
            at = column + step
            if line[at : at + 1] != tip:
                continue
            # To Dialgate from its neighbour on that side whose arrow it is, or from Dialgate.
            others = [other for other in names if other == "dialgate" or name == "dialgate"]
            others = [other for other in others if (names.index(other) - index) * step > 0]
            source = next(other for other in others if "-" not in line[PARTIES[other] + step : PARTIES[other] + step + 1].replace(" ", ""))
            low, high = sorted((column, PARTIES[source]))
            return source, name, line[low + 1 : high].strip("<>- ")
    return None


def passed_between(text):
    """What each diagram says passed: {(heading, source, to): [texts]}. The order between parties is the machine's."""
    found, heading_of = {}, ""
    for line in text.splitlines():
        if line.startswith("## "):
            heading_of = line[3:]
        elif line.startswith(" " * min(PARTIES.values()) + "|") and (passed := between(line)):
            found.setdefault((heading_of, *passed[:2]), []).append(passed[2])
    return found


def main():
    one, other = (passed_between(open(path, encoding="utf-8").read()) for path in sys.argv[1:])
    wrong = [key for key in sorted({*one, *other}) if one.get(key) != other.get(key)]
    for key in wrong:
        print(f"{key[0]}: {key[1]} to {key[2]}: {one.get(key)} there, {other.get(key)} now")
    sys.exit(1 if wrong or not one else 0)


if __name__ == "__main__":
    main()
