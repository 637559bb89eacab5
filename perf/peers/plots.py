# SPDX-License-Identifier: BSD-3-Clause
"""Figures as pictures (SVG) and as tables of text."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 84, 20, 44, 60
COLOURS = ["#0b62a4", "#d1495b", "#2e8b57", "#8e6c8a", "#c78f00"]


class Axis:
    """Places values between two ends of the picture; LOG: by their logarithm."""

    def __init__(self, values, log, begin, end):
        """VALUES are those that have to be seen."""
        self.log = log
        self.begin, self.end = begin, end
        if log:
            low, high = min(values), max(values)
            self.low, self.high = math.floor(math.log10(low)), math.ceil(math.log10(high))
            self.high = max(self.high, self.low + 1)
        else:
            self.step = nice(max(values) / 6 or 1)
            self.low, self.high = 0, math.ceil(max(values) / self.step or 1) * self.step

    def place(self, value):
        """Where it lies."""
        at = math.log10(value) if self.log else value
        return self.begin + (at - self.low) / (self.high - self.low) * (self.end - self.begin)

    def ticks(self):
        """Values that get a line and a label."""
        if self.log:
            powers = range(self.low, self.high + 1)
            return [10.0**power for power in powers]
        return [i * self.step for i in range(int(round(self.high / self.step)) + 1)]


def nice(step):
    """The next of 1, 2, 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(step))
    for factor in (1, 2, 5, 10):
        if factor * power >= step:
            return factor * power
    return 10 * power


def label(value):
    """A number for people."""
    if value >= 1e6:
        return f"{value / 1e6:g} M"
    if value >= 1e4:
        return f"{value / 1e3:g} k"
    return f"{value:g}"


def text(x, y, words, anchor="middle", extra=""):
    """One line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'


def axes(x, y, names):
    """Grid, labels and the names of both axes."""
    parts = []
    for value in x.ticks():
        at = x.place(value)
        parts.append(f'<line x1="{at:.1f}" y1="{y.end}" x2="{at:.1f}" y2="{y.begin}" class="grid"/>')
        parts.append(text(at, y.begin + 18, label(value)))
    for value in y.ticks():
        at = y.place(value)
        parts.append(f'<line x1="{x.begin}" y1="{at:.1f}" x2="{x.end}" y2="{at:.1f}" class="grid"/>')
        parts.append(text(x.begin - 8, at + 4, label(value), "end"))
    middle = (y.begin + y.end) / 2
    parts.append(text((x.begin + x.end) / 2, y.begin + 42, names[0]))
    parts.append(text(20, middle, names[1], extra=f'transform="rotate(-90 20 {middle:.1f})"'))
    return parts


def svg(title, names, series, log=(False, False)):
    """A picture of lines. SERIES: by name, lists of (x, y). With a logarithmic axis, what is not above 0 is left out."""
    kept = {}
    for name, points in series.items():
        points = sorted(p for p in points if all(v > 0 or not on for v, on in zip(p, log)))
        if points:
            kept[name] = points
    if not kept:
        return None
    every = [p for points in kept.values() for p in points]
    x = Axis([p[0] for p in every], log[0], LEFT, WIDTH - RIGHT)
    y = Axis([p[1] for p in every], log[1], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">',
        "<style>text{font:12px sans-serif;fill:#222}.grid{stroke:#ddd}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(WIDTH / 2, 20, title, extra='font-weight="bold"'),
    ]
    parts += axes(x, y, names)
    for i, (name, points) in enumerate(kept.items()):
        colour = COLOURS[i % len(COLOURS)]
        places = [(x.place(px), y.place(py)) for px, py in points]
        line = " ".join(f"{px:.1f},{py:.1f}" for px, py in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in places]
        at = TOP + 14 + 18 * i
        parts.append(f'<rect x="{LEFT + 10}" y="{at - 9}" width="14" height="10" fill="{colour}"/>')
        parts.append(text(LEFT + 30, at, name, "start"))
    return "\n".join(parts + ["</svg>"]) + "\n"


def table(columns, rows):
    """Lines of a table, the first column to the left."""
    lines = [columns] + [[cell(value) for value in row] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    out = []
    for line in lines:
        cells = [line[0].ljust(widths[0])] + [words.rjust(width) for words, width in zip(line[1:], widths[1:])]
        out.append("  ".join(cells).rstrip())
    return "\n".join(out)


def cell(value):
    """A value in a table."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if value >= 1000 else f"{value:.1f}"
    return str(value)
