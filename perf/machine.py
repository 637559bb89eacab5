# SPDX-License-Identifier: BSD-3-Clause
"""What figures were measured on, and how quiet that was meanwhile."""

import os
import resource
import subprocess

QUIET_LOAD = 0.5  # processes that ran or waited within the last minute
QUIET_OTHERS = 0.05  # of the processors' time
QUIET_STEAL = 0.02


def read(path):
    """The text of a file; none where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def commit(root):
    """The tree's commit, with a + when there are changes beside it."""

    def git(*words):
        try:
            done = subprocess.run(["git", "-C", root, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        except OSError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    head = git("rev-parse", "--short", "HEAD")
    return (head or "unknown") + ("+" if head and git("status", "--porcelain", "--untracked-files=no") else "")


def processor(text):
    """The model that /proc/cpuinfo names first."""
    for line in text.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def ticks(text):
    """Of the first line of /proc/stat, clock ticks of all processors: all, busy, stolen."""
    words = text.split("\n", 1)[0].split()[1:9]
    user, nice, system, idle, waits, irq, softirq, steal = [int(word) for word in words] + [0] * (8 - len(words))
    busy = user + nice + system + irq + softirq
    return busy + idle + waits + steal, busy, steal


def own_seconds():
    """CPU time of this process and of its children that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def shares(before, after, own):
    """What others took of the processors between two looks, and what the host took."""
    every, busy, steal = [late - early for late, early in zip(after, before)]
    if every <= 0:
        return 0.0, 0.0
    return max(0.0, busy - own * os.sysconf("SC_CLK_TCK")) / every, steal / every


class Watch:
    """The machine from now until end()."""

    def __init__(self, root):
        """Takes a first look."""
        self.found = {
            "processor": processor(read("/proc/cpuinfo")),
            "processors": os.cpu_count(),
            "kernel": os.uname().release,
            "commit": commit(root),
            "load_start": os.getloadavg()[0],
        }
        self.ticks, self.own = ticks(read("/proc/stat")), own_seconds()

    def head(self):
        """The lines above the table."""
        found = self.found
        lines = [f"{found['processor']}, {found['processors']} processors; kernel {found['kernel']}; commit {found['commit']}"]
        if found["load_start"] > QUIET_LOAD:
            lines.append(f"LOADED? load average {found['load_start']:.1f}: something runs, or did a minute ago; the last line tells which")
        return lines

    def end(self):
        """Takes the last look; returns the line below the table."""
        found = self.found
        others, steal = shares(self.ticks, ticks(read("/proc/stat")), own_seconds() - self.own)
        found |= {"load_end": os.getloadavg()[0], "others": others, "steal": steal}
        found["quiet"] = is_quiet(found)
        words = f"others had {others:.0%} of the processors, the host took {steal:.1%}; load average "
        words += f"{found['load_start']:.1f} before, {found['load_end']:.1f} after"
        return words if found["quiet"] else f"LOADED: {words}. Times mean little, ratios something"


def is_quiet(found):
    """Whether nobody else was there to speak of. The load average tells less: this run is in it, and what ran a minute ago."""
    return found["others"] <= QUIET_OTHERS and found["steal"] <= QUIET_STEAL
