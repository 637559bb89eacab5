#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Becomes the main process of a service, in a root of its own, under what the unit file says: user, groups, directories,
environment, capabilities, limits, mounts, system calls. For machines and tests where systemd is not process 1.

usage: unit.py --root DIRECTORY [--notify SOCKET] [--watchdog-us N] UNIT [ARGUMENTS...]

UNIT is a file below DIRECTORY. SOCKET is the path, below DIRECTORY, of a listening manager (tests/net/notify.py). ARGUMENTS
are added to ExecStart. The network is the caller's. Left out: clock, modules and kernel log (no capability reaches them), and
limits that this process may not raise, for which it gives CAP_IPC_LOCK or says so."""

import argparse
import ctypes
import os
import re
import resource
import shlex
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
MAP_EXEC_AND_WRITE, PROT_EXEC = 6, 4
ALLOW, ERRNO_EPERM = 0x7FFF0000, 0x00050001
EQUAL, MASKED_EQUAL = 4, 7
EXEC_SLOTS = (("mmap", MAP_EXEC_AND_WRITE), ("mprotect", PROT_EXEC), ("pkey_mprotect", PROT_EXEC))
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17, "AF_XDP": 44}
FAMILIES_END = 46
DIRECTORIES = {"Runtime": "run", "State": "var/lib", "Logs": "var/log"}


def check(result, what):
    if result < 0:
        raise OSError(-result if result < -1 else ctypes.get_errno(), what)


def mount(source, target, kind, flags, options=""):
    check(libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, ctypes.c_ulong(flags), options.encode()),
          f"mount {target}")


class Unit:
    def __init__(self, root, path):
        self.root, self.settings = root, {}
        section = ""
        for line in open(root + path).read().replace("\\\n", " ").splitlines():
            line = line.strip()
            if line.startswith("["):
                section = line
            elif section == "[Service]" and "=" in line and line[0] not in "#;":
                name, value = line.split("=", 1)
                self.settings.setdefault(name.strip(), []).append(value.strip())

    def words(self, name):
        return " ".join(self.settings.get(name, [])).split()

    def word(self, name, default=""):
        return self.settings.get(name, [default])[-1]

    def on(self, name):
        return self.word(name) in ("yes", "true", "invisible", "strict")

    def path(self, relative):
        return os.path.join(self.root, relative)


def read_environment(unit):
    values = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    for file in unit.words("EnvironmentFile"):
        path = unit.path(file.lstrip("-").lstrip("/"))
        if not os.path.exists(path) and file.startswith("-"):
            continue
        for line in open(path):
            if "=" in line and not line.startswith(("#", ";")):
                name, value = line.strip().split("=", 1)
                values[name] = " ".join(shlex.split(value))
    return values


def account(unit):
    """Number of the user, of the group, and all its groups, by the root's own files."""
    name = unit.word("User", "root")
    user = next(line.split(":") for line in open(unit.path("etc/passwd")) if line.startswith(name + ":"))
    groups = [line.rstrip("\n").split(":") for line in open(unit.path("etc/group"))]
    group = next(int(g[2]) for g in groups if g[0] == unit.word("Group", name))
    return int(user[2]), group, [group] + [int(g[2]) for g in groups if name in g[3].split(",")]


def make_directories(unit, user, group, environment):
    writable = []
    for kind, above in DIRECTORIES.items():
        name = unit.word(kind + "Directory")
        if name:
            path = unit.path(os.path.join(above, name))
            os.makedirs(path, exist_ok=True)
            os.chmod(path, int(unit.word(kind + "DirectoryMode", "0755"), 8))
            os.chown(path, user, group)
            environment[kind.upper() + "_DIRECTORY"] = "/" + os.path.join(above, name)
            writable.append(path)
    return writable


def private_devices(unit):
    new = unit.path("mnt")
    mount("tmpfs", new, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755")
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        open(f"{new}/{name}", "w").close()
        mount("/dev/" + name, f"{new}/{name}", None, MS_BIND)
    for name in ("shm", "hugepages"):
        if os.path.isdir(unit.path("dev/" + name)):
            os.mkdir(f"{new}/{name}")
            mount(unit.path("dev/" + name), f"{new}/{name}", None, MS_BIND)
    if os.path.exists(unit.path("dev/log")):
        os.symlink(os.readlink(unit.path("dev/log")), f"{new}/log")
    mount(new, unit.path("dev"), None, MS_BIND | MS_REC)


def make_mounts(unit, writable):
    check(libc.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount(unit.root, unit.root, None, MS_BIND | MS_REC)
    if unit.on("PrivateDevices"):
        private_devices(unit)
    if unit.word("ProtectSystem") == "strict":
        for path in writable:
            mount(path, path, None, MS_BIND)
        mount(unit.root, unit.root, None, MS_BIND | MS_REMOUNT | MS_RDONLY)
    hidden = ["home", "root"] if unit.on("ProtectHome") else []
    for directory in hidden + (["tmp", "var/tmp"] if unit.on("PrivateTmp") else []):
        mount("tmpfs", unit.path(directory), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0000" if directory in hidden else "mode=1777")
    mount("proc", unit.path("proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2" if unit.on("ProtectProc") else "")
    mount("sysfs", unit.path("sys"), "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | (MS_RDONLY if unit.on("ProtectKernelTunables") else 0))
    if unit.on("ProtectKernelTunables"):
        mount(unit.path("proc/sys"), unit.path("proc/sys"), None, MS_BIND)
        mount(unit.path("proc/sys"), unit.path("proc/sys"), None, MS_BIND | MS_REMOUNT | MS_RDONLY)


def calls_of(words):
    """The names behind systemd's groups, as systemd itself prints them."""
    calls, left = set(), list(words)
    while left:
        word = left.pop()
        if word.startswith("@"):
            lines = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True).stdout
            left += [line.strip() for line in lines.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
        else:
            calls.add(word)
    return calls


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("how", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class Filter:
    """libseccomp's. What is not allowed fails with EPERM."""

    def __init__(self, default):
        self.library = ctypes.CDLL("libseccomp.so.2")
        self.library.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action, call, *comparisons):
        number = self.library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            array = (Comparison * len(comparisons))(*comparisons)
            check(self.library.seccomp_rule_add_array(self.context, ctypes.c_uint32(action), number, len(comparisons), array), call)

    def load(self):
        check(self.library.seccomp_load(self.context), "seccomp_load")


def make_filters(unit):
    rest = Filter(ALLOW)
    filters = [rest]
    # The last that is loaded: it need not allow seccomp(2).
    if unit.words("SystemCallFilter"):
        filters.append(Filter(ERRNO_EPERM))
        for call in calls_of(unit.words("SystemCallFilter")):
            filters[-1].add(ALLOW, call)
    if unit.on("MemoryDenyWriteExecute"):
        for call, bits in EXEC_SLOTS:
            rest.add(ERRNO_EPERM, call, Comparison(2, MASKED_EQUAL, bits, bits))
    if unit.on("RestrictNamespaces"):
        for call in ("unshare", "setns"):
            rest.add(ERRNO_EPERM, call)
    allowed = [FAMILIES[name] for name in unit.words("RestrictAddressFamilies")]
    for family in range(FAMILIES_END) if allowed else ():
        if family not in allowed:
            rest.add(ERRNO_EPERM, "socket", Comparison(0, EQUAL, family, 0))
    return filters


def set_limits(unit):
    """Returns the capabilities that stand in for limits that may not be raised here."""
    instead = []
    for name, which in (("LimitNOFILE", resource.RLIMIT_NOFILE), ("LimitMEMLOCK", resource.RLIMIT_MEMLOCK)):
        if not unit.word(name):
            continue
        wanted = resource.RLIM_INFINITY if unit.word(name) == "infinity" else int(unit.word(name))
        try:
            resource.setrlimit(which, (wanted, wanted))
        except (PermissionError, ValueError):
            if which == resource.RLIMIT_MEMLOCK:
                instead.append("ipc_lock")
            else:
                print(f"unit.py: {name} stays {resource.getrlimit(which)[1]}", file=sys.stderr)
    try:
        open("/proc/self/oom_score_adj", "w").write(unit.word("OOMScoreAdjust", "0"))
    except PermissionError:
        pass
    os.umask(int(unit.word("UMask", "0022"), 8))
    return instead


def command(unit, user, group, groups, capabilities):
    """setpriv(1) in the root, which runs ExecStart."""
    def listed(names):
        return ",".join(["-all"] + ["+" + name for name in names])

    def plain(setting):
        return [name.lower().removeprefix("cap_") for name in unit.words(setting)]

    start = ["/usr/bin/setpriv", f"--reuid={user}", f"--regid={group}", "--groups=" + ",".join(map(str, groups))]
    ambient = plain("AmbientCapabilities") + capabilities
    start += ["--inh-caps=" + listed(ambient), "--ambient-caps=" + listed(ambient),
              "--bounding-set=" + listed(plain("CapabilityBoundingSet") + capabilities)]
    return start + (["--no-new-privs"] if unit.on("NoNewPrivileges") else []) + ["--"]


def expand(text, environment):
    """A word $NAME becomes its value's words, as systemd.service(5) says."""
    words = []
    for word in shlex.split(text):
        name = re.fullmatch(r"\$(\w+)", word)
        words += environment.get(name.group(1), "").split() if name else [word]
    return words


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--notify")
    parser.add_argument("--watchdog-us", type=int)
    parser.add_argument("unit")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    unit = Unit(os.path.realpath(options.root), options.unit)
    user, group, groups = account(unit)
    environment = read_environment(unit)
    if options.notify:
        environment["NOTIFY_SOCKET"] = options.notify
    watchdog_us = options.watchdog_us or int(float(unit.word("WatchdogSec", "0")) * 1e6)
    if watchdog_us:
        environment["WATCHDOG_USEC"], environment["WATCHDOG_PID"] = str(watchdog_us), str(os.getpid())
    start = expand(unit.word("ExecStart"), environment) + options.arguments
    filters = make_filters(unit)
    make_mounts(unit, make_directories(unit, user, group, environment))
    start = command(unit, user, group, groups, set_limits(unit)) + start
    os.chroot(unit.root)
    os.chdir("/")
    for one in filters:
        one.load()
    os.execve(start[0], start, environment)


main()
