# SPDX-License-Identifier: BSD-3-Clause
"""Whether counters only rise: metrics on standard input against those of the look before, which are kept in FILE.

    monotonic.py FILE <METRICS

Control's own counters begin again with control; all others are the data plane's and go on over its death."""

import json
import os
import re
import sys

OF_CONTROL = re.compile(r"dialgate_(control|records|configuration|event|capture)")


def counters(text):
    """{sample with its labels: value} of counters and histograms."""
    kinds = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE "))
    values = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        sample, value = line.rsplit(" ", 1)
        name = sample.split("{")[0]
        kind = kinds.get(name) or kinds.get(re.sub("_(bucket|count|sum)$", "", name))
        if kind in ("counter", "histogram"):
            values[sample] = float(value)
    return values


def start(text):
    return re.search(r"^dialgate_control_start_time_seconds (\S+)", text, re.M).group(1)


def main(path):
    text = sys.stdin.read()
    now, begun = counters(text), start(text)
    wrong = []
    if os.path.exists(path):
        with open(path, encoding="ascii") as file:
            before = json.load(file)
        for sample, value in before["counters"].items():
            if begun != before["start"] and OF_CONTROL.match(sample):
                continue
            if sample not in now or now[sample] < value:
                wrong.append("%s was %s and is %s" % (sample, value, now.get(sample, "gone")))
    assert any(not OF_CONTROL.match(sample) for sample in now), "no counter of the data plane: " + text[:500]
    with open(path, "w", encoding="ascii") as file:
        json.dump({"start": begun, "counters": now}, file)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


sys.exit(main(sys.argv[1]))
