# SPDX-License-Identifier: BSD-3-Clause
"""The lab and what its processes take: CPU time, memory, softirqs."""

import json
import os
import re
import select
import subprocess
import time

HOME = os.path.dirname(os.path.abspath(__file__))
TICKS = os.sysconf("SC_CLK_TCK")
# Octets of what Dialgate keeps at a fixed size: records, and an entry of its tables (perf/README.md).
RECORDS = {"dialogs": 64, "transactions": 120, "dialog_table": 9.1}


class Failed(Exception):
    """The lab could not do something; the text says what."""


def read(path):
    """A file's text, or nothing if it is gone."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def descendants(pids):
    """These processes and all that came of them."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = read(f"/proc/{name}/stat").rpartition(")")[2].split()
            if stat:
                parents.setdefault(int(stat[1]), []).append(int(name))
    found, left = [], list(pids)
    while left:
        pid = left.pop()
        found.append(pid)
        left += parents.get(pid, [])
    return found


def thread_times(pid):
    """By name, the seconds that the threads of a process ran."""
    times = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return times
    for thread in threads:
        ran = read(f"/proc/{pid}/task/{thread}/schedstat").split()
        if ran:
            times.append((read(f"/proc/{pid}/task/{thread}/comm").strip(), int(ran[0]) / 1e9))
    return times


def process_seconds(pid):
    """Of a process, with its threads that have ended: outside the kernel, and within."""
    stat = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(stat[11]) / TICKS, int(stat[12]) / TICKS) if stat else (0.0, 0.0)


def softirq_seconds(cpu):
    """Of a processor, as the kernel's tick saw it."""
    found = re.search(rf"^cpu{cpu} (.*)$", read("/proc/stat"), re.M)
    return int(found[1].split()[6]) / TICKS


def ksoftirqd_seconds(cpu):
    """Run time of a processor's thread for softirqs."""
    for name in os.listdir("/proc"):
        if name.isdigit() and read(f"/proc/{name}/comm").strip() == f"ksoftirqd/{cpu}":
            return int(read(f"/proc/{name}/schedstat").split()[0]) / 1e9
    return 0.0


class Lab:
    """Commands for the script `lab`, which undoes what it made when this process ends, however it does."""

    def __init__(self, build):
        """Makes the lab; needs root."""
        self.script = subprocess.Popen(  # pylint: disable=consider-using-with
            [os.path.join(HOME, "lab"), build],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,  # Ctrl-C is for this process, which then ends the lab
        )
        self.pids = []
        self.runs = 0
        self.resting = 0.0
        self.dialgate = False
        self.name, self.folder = self.answer(60).split()

    def answer(self, seconds):
        """What the script says next."""
        if not select.select([self.script.stdout], [], [], seconds)[0]:
            raise Failed("the lab does not answer")
        line = self.script.stdout.readline().strip()
        if not line.startswith("ok"):
            raise Failed(line or "the lab has ended")
        return line[3:]

    def say(self, words):
        """Sends a command."""
        self.script.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.script.stdin.flush()

    def start(self, words):
        """Starts a proxy."""
        self.say(words)
        self.pids = [int(pid) for pid in self.answer(180).split()]
        self.dialgate = words[0] == "dialgate"

    def stop(self):
        """Ends the proxy."""
        self.say(["stop"])
        self.answer(120)
        self.pids = []

    def calls(self, seconds, words, watch=None, by="calls"):
        """Calls for so long at most; returns callgen's figures. WATCH is called four times a second meanwhile. BY: calls, or
        direct for those without a proxy."""
        self.runs += 1  # the seed: a proxy would take the calls of the run before for repeats
        self.say([by, int(seconds) + 10, "--seed", self.runs] + words)
        while watch and not select.select([self.script.stdout], [], [], 0.25)[0]:
            watch()
        return json.loads(read(self.answer(seconds + 60)))

    def close(self):
        """Ends the lab."""
        if self.script.poll() is not None:
            return
        self.script.stdin.close()
        try:
            self.script.wait(timeout=2)
        except subprocess.TimeoutExpired:  # calls go on: it undoes all when it is told to end, too
            self.script.terminate()
            self.script.wait(timeout=120)

    def metrics(self):
        """Dialgate's, by name and labels."""
        space = f"/run/netns/{self.name}-core"
        words = ["curl", "-fsS", "--retry", "3", "--max-time", "20", "http://127.0.0.1:9464/metrics"]
        done = subprocess.run(["nsenter", f"--net={space}", *words], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failed("Dialgate does not tell its metrics")
        return [line.rsplit(" ", 1) for line in done.stdout.splitlines() if line and line[0] != "#"]

    def metric(self, name, label=""):
        """Their sum over all workers."""
        return sum(float(value) for key, value in self.metrics() if key.startswith(name) and label in key)

    def used(self):
        """Octets of memory that the proxy has in use for calls."""
        if self.dialgate:
            octets = self.metric("dialgate_resource_used", 'resource="arena_octets"')
            for name, size in RECORDS.items():
                octets += size * self.metric("dialgate_resource_used", f'resource="{name}"')
            return octets
        words = ["kamcmd", "-s", f"unix:{self.folder}/run/kamailio.ctl", "core.shmmem"]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        found = re.search(r"real_used: (\d+)", done.stdout)
        return float(found[1]) if found else 0.0

    def rest(self):
        """What its threads but Dialgate's workers take in a second without calls, in seconds."""
        before = self.sample()
        time.sleep(3)
        after = self.sample()
        return (after["threads"] - before["threads"]) / (after["clock"] - before["clock"])

    def sample(self):
        """Seconds so far: of the proxy's threads but Dialgate's workers, of those, of their turns with packets, of all
        threads outside the kernel, and of softirqs for the proxy that are not its threads' time already: the generator's sending
        runs its receiving."""
        threads = workers = busy = user = 0.0
        for pid in descendants(self.pids):
            outside, within = process_seconds(pid)
            user += outside
            threads += outside + within
            if self.dialgate:
                workers += sum(seconds for name, seconds in thread_times(pid) if "worker" in name)
        if self.dialgate:
            busy = self.metric("dialgate_worker_busy_seconds_total")
        softirq = softirq_seconds(os.cpu_count() - 1) + ksoftirqd_seconds(0)
        return {"threads": threads - workers, "workers": workers, "busy": busy, "user": user, "softirq": softirq, "clock": time.monotonic()}
