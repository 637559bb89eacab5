#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""dialgate-dataplane alone: starts, refusals (one line each), kill -9, reload, and a control that sends nonsense.

usage: boot.py DATAPLANE PREFILTER [NAME-PART...]   root; exit status 77 without. Runs in network namespaces of its own."""

import errno
import fcntl
import mmap
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

import channel
from channel import AF_PACKET, AF_XDP, Channel

PROGRAM, PREFILTER = (os.path.abspath(p) for p in sys.argv[1:3])
NAME = "boot%d" % os.getpid()
FAR = NAME + "far"
NEAR = ["nsenter", "--net=/run/netns/" + NAME]
# Addresses that a namespace alone uses.
NETWORKS = {AF_XDP: [("outside", "outside0", AF_XDP, 1)], AF_PACKET: [("outside", "outside0", AF_PACKET, 2)]}
LISTENERS = [("edge", "10.99.1.1", 5060, 0)]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def near(*command):
    return run(*NEAR, *command)


def wait_for(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("waited %d s for %s" % (seconds, what))


PLANES = []  # of the test that runs


class Dataplane:
    """One process with directories of its own; the directories stay for a second one.

    saved: the configuration of the one before serves when nobody connects within two seconds, as a loaded machine may not.
    """

    def __init__(self, directory, *arguments, prefix=(), saved=False):
        self.directory = directory
        if not saved and os.path.exists(directory + "/state/snapshot"):
            os.unlink(directory + "/state/snapshot")
        self.run_directory = directory + "/run"
        self.socket = self.run_directory + "/dataplane.sock"
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [*NEAR, *prefix, PROGRAM, "--run-directory", self.run_directory, "--state-directory", directory + "/state",
             "--prefilter", PREFILTER, *arguments], stderr=self.log)
        PLANES.append(self)

    def text(self):
        self.log.seek(0)
        return self.log.read()

    def connect(self):
        def attempt():
            assert self.process.poll() is None, self.text()
            try:
                return Channel(self.socket)
            except OSError:
                return None
        return wait_for("the socket", attempt)

    def load(self, image):
        control = self.connect()
        assert control.hello()["state"] == channel.WAITING
        answer = control.load(image)
        assert answer["kind"] == channel.SNAPSHOT_RESULT, answer
        return control, answer

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(60)
        return status

    def refused(self):
        """The one line of a failed start."""
        assert self.process.wait(60) == 1, (self.process.returncode, self.text())
        lines = [l for l in self.text().splitlines() if " level=" not in l]
        assert len(lines) == 1 and lines[0].startswith("dialgate-dataplane: "), self.text()
        return lines[0]


def program_on(interface="outside0"):
    return "xdp" in near("ip", "link", "show", interface)


def image(attach=AF_XDP, **more):
    return channel.snapshot(NETWORKS[attach], LISTENERS, members=["10.99.1.2"], **more)


def counters(fd):
    with mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ) as octets:
        workers, offset, stride = struct.unpack("=I", octets[16:20])[0], *struct.unpack("=II", octets[28:36])
        return sum(struct.unpack("=Q", octets[offset + w * stride : offset + w * stride + 8])[0] for w in range(workers))


def send_sip(count=10, ports=1):
    code = ("import socket\nfor p in range(%d):\n s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
            " for i in range(%d): s.sendto(b'OPTIONS sip:x SIP/2.0\\r\\n\\r\\n',('10.99.1.1',5060))\n" % (ports, count))
    run("nsenter", "--net=/run/netns/" + FAR, "python3", "-c", code)


def takes_packets(attach, workers):
    plane = Dataplane(DIRECTORY)
    control, answer = plane.load(image(attach, workers=workers))
    assert answer["result"] == 0, answer
    hello = Channel.hello_of(control.receive())
    assert (hello["state"], hello["workers"], hello["counters"], hello["networks"]) == (channel.RUNNING, workers, 1, 1), hello
    assert len(hello["fds"]) == 1 + sum(hello["maps"]) + 2 * hello["captures"] and (hello["maps"][0] > 0) == (attach == AF_XDP), hello
    near("ip", "neigh", "flush", "dev", "outside0")
    before = counters(hello["fds"][0])
    send_sip(10, ports=4)
    wait_for("40 packets", lambda: counters(hello["fds"][0]) - before >= 40)
    # The member is asked for and kept by the kernel.
    wait_for("a managed neighbour", lambda: "managed" in near("ip", "neigh", "show", "10.99.1.2"))
    # Whatever is no SIP for us is the kernel's.
    run("nsenter", "--net=/run/netns/" + FAR, "ping", "-c1", "-W20", "10.99.1.1")
    for fd in hello["fds"][:1]:
        try:
            mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
            raise AssertionError("the counters can be written")
        except PermissionError:
            pass
        assert fcntl.fcntl(fd, channel.GET_SEALS) & (0x2 | 0x4 | 0x10) == 0x2 | 0x4 | 0x10
    assert program_on() == (attach == AF_XDP)
    for fd in hello["fds"]:
        os.close(fd)
    control.close()
    assert plane.stop() == 0, plane.text()
    # No program, no socket, no record of a program stays.
    assert not program_on() and os.listdir(plane.run_directory) == ["dataplane.lock"], os.listdir(plane.run_directory)


def test_af_xdp():
    takes_packets(AF_XDP, 1)


def test_af_xdp_two_workers():
    takes_packets(AF_XDP, 2)


def test_af_packet_two_workers():
    takes_packets(AF_PACKET, 2)


def test_kill_and_restart_without_control():
    plane = Dataplane(DIRECTORY)
    control, answer = plane.load(image(sequence=7))
    assert answer["result"] == 0, answer
    keys = open(DIRECTORY + "/state/keys", "rb").read()
    plane.stop(signal.SIGKILL)
    control.close()
    assert program_on(), "the program stays after kill -9: that is what the next start must cope with"
    plane = Dataplane(DIRECTORY, saved=True)
    # Nobody sends a snapshot: the copy serves after two seconds.
    wait_for("the saved configuration", lambda: "event=running" in plane.text())
    control = plane.connect()
    hello = control.hello()
    assert (hello["state"], hello["sequence"]) == (channel.RUNNING, 7), hello
    assert open(DIRECTORY + "/state/keys", "rb").read() == keys
    assert plane.stop() == 0 and not program_on(), plane.text()


def test_keys_damaged_or_readable():
    path = DIRECTORY + "/state/keys"
    for damage in (lambda: os.truncate(path, 20), lambda: os.chmod(path, 0o644)):
        keys = open(path, "rb").read()
        damage()
        plane = Dataplane(DIRECTORY)
        control, answer = plane.load(image())
        assert answer["result"] == 0 and "event=keys_replaced" in plane.text(), plane.text()
        assert plane.stop() == 0
        status = os.stat(path)
        assert open(path, "rb").read() != keys and status.st_mode & 0o777 == 0o600 and status.st_size == 72


def test_foreign_program():
    near("ip", "link", "set", "dev", "outside0", "xdp", "obj", PREFILTER, "sec", "xdp")
    try:
        plane = Dataplane(DIRECTORY)
        _, answer = plane.load(image())
        assert answer["result"] == -errno.EBUSY and "outside0" in answer["text"], answer
        assert "outside0 already has an XDP program" in plane.refused()
        assert program_on(), "a foreign program is left alone"
    finally:
        near("ip", "link", "set", "dev", "outside0", "xdp", "off")


def test_missing_interface():
    plane = Dataplane(DIRECTORY)
    control, answer = plane.load(channel.snapshot([("outside", "nowhere0", AF_XDP, 1)], LISTENERS))
    assert answer["result"] == -errno.ENODEV, answer
    hello = Channel.hello_of(control.receive())
    assert hello["state"] == channel.FAILED and "no interface nowhere0" in hello["text"], hello
    assert plane.refused().endswith("network outside: no interface nowhere0; create it or correct networks.outside.interface")


def test_port_in_use():
    code = ("import socket,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.bind(('0.0.0.0',5060))\n"
            "print('bound',flush=True)\nsys.stdin.read()")
    other = subprocess.Popen([*NEAR, "python3", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    other.stdout.readline()
    try:
        plane = Dataplane(DIRECTORY)
        plane.load(image())
        assert "listener edge: 10.99.1.1:5060 is in use by another program" in plane.refused()
        assert not program_on()
    finally:
        other.stdin.close()
        other.wait()


def test_no_such_address():
    plane = Dataplane(DIRECTORY)
    plane.load(channel.snapshot(NETWORKS[AF_XDP], [("edge", "10.99.9.9", 5060, 0)]))
    assert "listener edge: 10.99.9.9 is no address of this machine" in plane.refused()


def test_too_many_queues():
    plane = Dataplane(DIRECTORY)
    plane.load(channel.snapshot([("outside", "outside0", AF_XDP, 4)], LISTENERS, mbufs=32768))
    line = plane.refused()
    assert "network outside: interface outside0 has 1 receive queues and networks.outside.queues is 4" in line, line
    assert not program_on()


def test_too_little_memory():
    for more, text in (({"memory": 16}, "memory.mb"), ({"mbufs": 100}, "memory.mbufs"),
                       ({"arena": 60 << 30}, "dialogs.arena")):
        plane = Dataplane(DIRECTORY, "--", "--no-huge")  # with huge pages memory.mb is what DPDK begins with
        plane.load(image(**more))
        assert text in plane.refused()
        assert not program_on(), text


def test_no_permission():
    plane = Dataplane(DIRECTORY, prefix=["setpriv", "--bounding-set=-all", "--inh-caps=-all"])
    plane.load(image())
    line = plane.refused()
    assert "CAP_NET_ADMIN" in line and "CAP_BPF" in line, line
    # All capabilities of a user namespace of its own are none here.
    for attach in (AF_XDP, AF_PACKET):
        plane = Dataplane(DIRECTORY, prefix=["unshare", "--user", "--map-root-user"])
        plane.load(image(attach))
        assert "no permission to drive network interfaces here" in plane.refused()


def test_another_owner():
    plane = Dataplane(DIRECTORY)
    plane.connect().close()
    assert plane.stop() == 0
    for make, text in ((lambda p: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind(p), "belongs to uid 65534"),
                       (lambda p: open(p, "w").close(), "is no socket")):
        make(plane.socket)
        os.chown(plane.socket, 65534, 65534)
        assert text in Dataplane(DIRECTORY).refused()
        os.unlink(plane.socket)


def test_second_instance():
    first = Dataplane(DIRECTORY)
    control = first.connect()
    assert "in use by another dialgate-dataplane" in Dataplane(DIRECTORY).refused()
    assert control.hello()["state"] == channel.WAITING
    assert first.stop() == 0


def test_usage():
    for arguments, status in ((["--nonsense"], 2), (["--cpus", "x"], 2), (["--cpus", "900"], 2), (["word"], 2), (["--help"], 0),
                              (["--version"], 0)):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
        assert done.returncode == status, (arguments, done)
        assert len(done.stderr.splitlines()) == (1 if status else 0), done.stderr


def test_reload():
    plane = Dataplane(DIRECTORY)
    control, answer = plane.load(image(sequence=1))
    assert answer["result"] == 0, answer
    more = LISTENERS + [("second", "10.99.1.1", 5080, 0)]
    answer = control.load(channel.snapshot(NETWORKS[AF_XDP], more, members=["10.99.1.2"], sequence=2))
    assert answer["result"] == 0, answer
    assert "10.99.1.1:5080" in near("ss", "-Huln"), near("ss", "-Huln")
    # What needs a restart is named, and nothing changes.
    answer = control.load(image(sequence=3, workers=2, dialogs=2000))
    assert answer["result"] < 0 and "workers" in answer["text"] and "dialogs" in answer["text"], answer
    assert "10.99.1.1:5080" in near("ss", "-Huln")
    # Whole or nothing: an address that is not ours refuses all of it.
    # A listener that stays keeps its place: calls that are up name it by that.
    answer = control.load(channel.snapshot(NETWORKS[AF_XDP], more[::-1], sequence=4))
    assert answer["result"] == -errno.EBUSY and "listeners" in answer["text"], answer
    answer = control.load(channel.snapshot(NETWORKS[AF_XDP], more + [("third", "10.99.1.1", 5090, 0), ("no", "10.99.9.9", 5060, 0)], sequence=4))
    assert answer["result"] == -errno.EADDRNOTAVAIL, answer
    assert "5090" not in near("ss", "-Huln") and "10.99.1.1:5080" in near("ss", "-Huln")
    assert control.load(image(sequence=5))["result"] == 0
    assert "5080" not in near("ss", "-Huln")
    assert control.hello()["sequence"] == 5
    control.close()
    assert plane.stop() == 0


def nonsense(control):
    """(what, answer): datagrams that must be refused."""
    size = channel.MESSAGE_MAX
    good = channel.hello_body()
    send = lambda octets, fds=(): (control.send(octets, fds), control.receive())[1]
    yield "too short", send(b"12345")
    yield "too long", send(channel.header(channel.HELLO, b"x" * size))
    yield "magic", send(channel.header(channel.HELLO, good, magic=1))
    yield "version", send(channel.header(channel.HELLO, good, version=99))
    yield "size", send(channel.header(channel.HELLO, good, size=20))
    yield "type 0", send(channel.header(0, good))
    yield "type 99", send(channel.header(99, good))
    yield "not ours to send", send(channel.header(channel.DONE, b"\0" * 272))
    yield "body too short", send(channel.header(channel.HELLO, good[:-1]))
    yield "a descriptor too many", send(channel.header(channel.HELLO, good), [0])
    yield "64 descriptors", send(channel.header(channel.HELLO, good), [0] * 64)
    yield "no descriptor", send(channel.header(channel.SNAPSHOT, struct.pack("=QII", 1, 1000, 0)))
    yield "limit 0", send(channel.header(channel.DIALOG_LIST, channel.list_body(limit=0)))
    yield "limit", send(channel.header(channel.DIALOG_LIST, channel.list_body(limit=1001)))
    yield "peer", send(channel.header(channel.DIALOG_LIST, channel.list_body(peer=1024)))
    yield "state", send(channel.header(channel.DIALOG_LIST, channel.list_body(state=6)))
    yield "Call-ID length", send(channel.header(channel.DIALOG_SHOW, channel.select_body(length=513)))
    yield "no Call-ID", send(channel.header(channel.DIALOG_END, channel.select_body()))


def bad_snapshots(control):
    good = image(sequence=1)
    yield "not sealed", control.load(good, seals=0)
    yield "seals missing", control.load(good, seals=0x2 | 0x4)
    yield "size", control.load(good, size=len(good) + 8)
    yield "sequence", control.load(good, sequence=9)
    yield "magic", control.load(b"x" + good[1:])
    yield "version", control.load(good[:8] + b"\x09" + good[9:])
    yield "offset", control.load(good[:24] + struct.pack("=I", 1 << 31) + good[28:])
    yield "count", control.load(good[:28] + struct.pack("=I", 1 << 31) + good[32:])
    no_memfd = os.open("/proc/self/exe", os.O_RDONLY)
    yield "no memfd", control.ask(channel.SNAPSHOT, struct.pack("=QII", 1, len(good), 0), [no_memfd])
    os.close(no_memfd)


def test_nonsense():
    shutil.rmtree(DIRECTORY + "/state", ignore_errors=True)
    plane = Dataplane(DIRECTORY)
    control = plane.connect()
    control.send(channel.header(channel.DIALOG_LIST, channel.list_body()))
    message = control.receive()
    assert message[0] == channel.REFUSED and "HELLO" in channel.done_of(message[2])[3], message
    assert control.hello()["state"] == channel.WAITING
    answer = control.ask(channel.DIALOG_LIST, channel.list_body())
    assert (answer["kind"], answer["result"]) == (channel.DONE, -errno.EAGAIN), answer
    for running in (False, True):
        if running:
            assert control.load(image())["result"] == 0
            Channel.hello_of(control.receive())
        for what, message in nonsense(control):
            assert message is not None and message[0] == channel.REFUSED, (what, message)
            result, _, _, text = channel.done_of(message[2])
            assert result < 0 and text, (what, message)
        for what, answer in bad_snapshots(control):
            assert answer["kind"] == channel.SNAPSHOT_RESULT and answer["result"] < 0 and answer["text"], (what, answer)
    # A second control is told why it may not.
    second = Channel(plane.socket)
    message = second.receive()
    assert message[0] == channel.REFUSED and channel.done_of(message[2])[0] == -errno.EBUSY, message
    assert second.receive() is None
    assert "event=channel_refused" in plane.text()
    # And after all that it serves: no descriptor was lost, good requests are answered.
    assert len(os.listdir("/proc/%d/fd" % control.hello()["pid"])) < 100
    answer = control.ask(channel.DIALOG_LIST, channel.list_body())
    assert (answer["kind"], answer["result"], answer["cursor"], answer["rows"]) == (channel.DONE, 0, 0, []), answer
    for body in (channel.select_body(handle=1), channel.select_body(handle=200 << 56), channel.select_body(call_id=b"a@b")):
        for kind in (channel.DIALOG_SHOW, channel.DIALOG_END):
            answer = control.ask(kind, body)
            assert (answer["kind"], answer["result"]) == (channel.DONE, -errno.ENOENT), answer
    answer = control.ask(channel.DIALOG_LIST, channel.list_body(cursor=77 << 32))
    assert answer["result"] == -errno.EINVAL, answer
    # A control that asks and never reads is dropped, the next one is served.
    control.socket.setblocking(False)
    try:
        for _ in range(200000):
            control.send(channel.header(channel.HELLO, channel.hello_body()))
    except OSError:
        pass
    control.close()
    control = plane.connect()
    assert control.hello()["state"] == channel.RUNNING
    control.close()
    assert plane.stop() == 0, plane.text()


def test_applications():
    """Commands reach the worker that they name, and what comes of them comes back, numbered; the next control goes on with it."""
    plane = Dataplane(DIRECTORY)
    control, answer = plane.load(image(workers=2, usages=64))
    assert answer["result"] == 0, answer
    Channel.hello_of(control.receive())
    worker = lambda number: (number + 1) << 56 | 1
    command = lambda *arguments, **more: control.send(channel.header(channel.UA_COMMAND, channel.ua_command(*arguments, **more)))
    # The agent knows no worker 7; two workers know no such dialog, and no such application.
    command(1, channel.UA_END, dialog=worker(7))
    command(2, channel.UA_END)
    command(3, channel.UA_END, dialog=worker(0))
    command(4, channel.UA_END, dialog=worker(1), texts=[b"", b"Gone"], body=b"x" * 15000)
    command(5, channel.UA_INVITE, application=999, texts=[b"", b"", b"sip:a@10.99.1.2"])
    expected, number = {1, 2, 3, 4, 5}, 1
    while expected:
        kind, request, body, _ = control.receive()
        if kind == channel.HELLO:
            continue
        assert (kind, request) == (channel.UA_EVENTS, 0), kind
        first, lost, events = channel.ua_events(body)
        assert (first, lost) == (number, 0), (first, lost, number)
        number += len(events)
        for event in events:
            assert event["kind"] == channel.UA_DONE and event["result"] < 0 and event["time_ms"] > 0, event
            assert event["result"] == -errno.ENOENT or event["tag"] == 5, event
            expected.remove(event["tag"])
    control.send(channel.header(channel.UA_COMMAND, channel.ua_command(6, channel.UA_END, dialog=worker(0)) + b"x"))  # more text than it says
    message = control.receive()
    assert message[0] == channel.REFUSED and channel.done_of(message[2])[0] == -errno.EBADMSG, message
    control.close()
    control = plane.connect()
    assert control.hello()["state"] == channel.RUNNING
    command(7, channel.UA_END, dialog=worker(0))
    told = []  # nobody said UA_TAKEN: what the first control was told comes again
    while len(told) < number:
        told += [event["tag"] for event in channel.ua_events(control.receive()[2])[2]]
    assert sorted(told[:-1]) == [1, 2, 3, 4, 5] and told[-1] == 7, told
    control.close()
    assert plane.stop() == 0, plane.text()


def make_network():
    for name in (NAME, FAR):
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
    run("ip", "-n", NAME, "link", "add", "outside0", "type", "veth", "peer", "name", "far0", "netns", FAR)
    run("ip", "-n", NAME, "addr", "add", "10.99.1.1/24", "dev", "outside0")
    run("ip", "-n", FAR, "addr", "add", "10.99.1.2/24", "dev", "far0")
    run("ip", "-n", NAME, "link", "set", "outside0", "up")
    run("ip", "-n", FAR, "link", "set", "far0", "up")
    run("nsenter", "--net=/run/netns/" + FAR, "ethtool", "-K", "far0", "tx", "off")


def main():
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_")
             and (len(sys.argv) < 4 or any(part in n for part in sys.argv[3:]))]
    failed = 0
    make_network()
    for name, test in tests:
        try:
            test()
            print("ok", name, flush=True)
        except Exception as error:  # a test may fail in any way; the others still run
            failed += 1
            print("FAILED", name, type(error).__name__, error, flush=True)
            traceback.print_exc(file=sys.stdout)
            for plane in PLANES:
                print(plane.text()[-3000:])
        for plane in PLANES:
            plane.stop(signal.SIGKILL)
        PLANES.clear()
    print("%d passed, %d failed" % (len(tests) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit(77)
    DIRECTORY = tempfile.mkdtemp(prefix="dialgate-boot-")
    try:
        sys.exit(main())
    finally:
        for name in (NAME, FAR):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        shutil.rmtree(DIRECTORY)
