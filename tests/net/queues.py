#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The far end of a multi-queue TAP: writes frames into the queue that it chooses, as a NIC would that spreads packets in its
own way. A carrier and an SBC in one program; calls go through Dialgate from the one to the other.

usage: queues.py INTERFACE DIALGATECTL RUN_DIRECTORY DIRECTORY

DIRECTORY: where the test says that Dialgate runs (a file `go`) and has dataplane.pid. Prints a line a result, the last of them
"passed", and stays until it is ended: the interface goes with it."""

import fcntl
import itertools
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib

from sip_peer import Message, Peer, Side

QUEUES = 4
OURS = "10.10.0.10"
CARRIER, SBC = "10.10.1.1", "10.10.2.1"
FAR_MAC = bytes.fromhex("02000000d1a1")
PORTS = range(5060, 5060 + 64)  # of the carrier
MTU = 1500
PATIENCE = 60.0  # seconds without progress

TUNSETIFF, SIOCGIFHWADDR = 0x400454CA, 0x8927
IFF_TAP, IFF_NO_PI, IFF_MULTI_QUEUE = 2, 0x1000, 0x100

draw = random.Random(int(os.environ.get("QUEUES_SEED", "1")))


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def internet_sum(octets):
    """RFC 1071: the ones' complement sum is the number modulo 0xffff."""
    octets += b"\0" * (len(octets) % 2)
    value = int.from_bytes(octets, "big") % 0xFFFF
    return ~value & 0xFFFF if value else 0xFFFF


class Tap:
    def __init__(self, name):
        self.descriptors = []
        for _ in range(QUEUES):  # they block: the kernel takes only such frames to native XDP
            descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            request = struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE)
            fcntl.ioctl(descriptor, TUNSETIFF, request)
            self.descriptors.append(descriptor)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            answer = fcntl.ioctl(control, SIOCGIFHWADDR, struct.pack("16s24x", name.encode()))
        self.ethernet = answer[18:24] + FAR_MAC + b"\x08\x00"
        self.number = 0
        self.pieces = {}

    def put(self, queue, source, target, payload):
        """A UDP datagram by this queue; in fragments, each by any queue and in any order, when queue is None."""
        addresses = socket.inet_aton(source[0]) + socket.inet_aton(target[0])
        udp = struct.pack("!HHH", source[1], target[1], 8 + len(payload))
        total = internet_sum(addresses + struct.pack("!HH", 17, 8 + len(payload)) + udp + b"\0\0" + payload)
        datagram = udp + struct.pack("!H", total) + payload
        self.number = (self.number + 1) & 0xFFFF
        room = MTU - 20 & ~7
        offsets = list(range(0, len(datagram), room))
        check(queue is None or len(offsets) == 1, "fragments have no queue")
        draw.shuffle(offsets)
        for offset in offsets:
            piece = datagram[offset : offset + room]
            field = offset // 8 | (0x2000 if offset + room < len(datagram) else 0)
            ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(piece), self.number, field, 64, 17, 0) + addresses
            ip = ip[:10] + struct.pack("!H", internet_sum(ip)) + ip[12:]
            by = draw.randrange(QUEUES) if queue is None else queue
            os.write(self.descriptors[by], self.ethernet + ip + piece)

    def take(self, seconds):
        """Datagrams of UDP that are there, or come within so many seconds: (target, payload)."""
        for descriptor in select.select(self.descriptors, [], [], seconds)[0]:
            frame = os.read(descriptor, 2048)
            if frame[12:14] != b"\x08\x00" or frame[23] != 17:
                continue
            ip = frame[14:]
            datagram = self.whole(ip, ip[20 : struct.unpack("!H", ip[2:4])[0]])
            if datagram is not None:
                yield (socket.inet_ntoa(ip[16:20]), struct.unpack("!H", datagram[2:4])[0]), datagram[8:]

    def whole(self, ip, octets):
        number, field = struct.unpack("!HH", ip[4:8])
        if not field & 0x3FFF:
            return octets
        row = self.pieces.setdefault((ip[12:20], number), {})
        row[(field & 0x1FFF) * 8] = octets
        if not field & 0x2000:
            row["end"] = (field & 0x1FFF) * 8 + len(octets)
        parts = sorted(key for key in row if key != "end")
        if "end" not in row or sum(len(row[part]) for part in parts) < row["end"]:
            return None
        del self.pieces[(ip[12:20], number)]
        return b"".join(row[part] for part in parts)


class End(Peer):
    """An address and port of the far end."""

    def __init__(self, world, address, port):
        self.world, self.address, self.port = world, address, port
        self.target = (OURS, 5060)

    def send(self, text, target=None):
        octets = text.encode()
        queue = None if len(octets) > MTU - 28 else self.world.queue(self)
        self.world.tap.put(queue, (self.address, self.port), target or self.target, octets)


class Call:
    """Its INVITE is answered 180 and 200, back to back by one queue; the BYE is the caller's."""

    def __init__(self, world, name, end, body=""):
        self.world, self.name, self.end, self.body = world, name, end, body
        self.seen, self.asked, self.side, self.state = [], [], None, "new"

    def begin(self):
        self.state = "calling"
        self.end.send(self.end.request("INVITE", call_id=self.name, body=self.body))

    def hang_up(self):
        self.state = "ending"
        self.side.send("BYE")

    def at_caller(self, message):
        if message.status == 100:
            return
        self.seen.append((message.status, message.get("cseq").split()[1]))
        if self.seen == [(180, "INVITE"), (200, "INVITE")]:
            self.side = Side(self.end, message.get("from"), message.get("to"), self.name, message.target(),
                             message.all("record-route")[::-1])
            self.side.send("ACK", cseq=1)
        elif self.seen == [(180, "INVITE"), (200, "INVITE"), (200, "BYE")]:
            self.state = "over"
        elif len(self.seen) != 1:
            raise AssertionError(f"{self.name}: the caller saw {self.seen}")

    def at_callee(self, message):
        sbc = self.world.sbc
        self.asked.append(message.method)
        check(self.asked == ["INVITE", "ACK", "BYE"][: len(self.asked)], f"{self.name}: the callee saw {self.asked}")
        if message.method == "INVITE":
            check(message.body == self.body, f"{self.name}: {len(message.body)} octets of its body came")
            with self.world.same_queue():
                sbc.answer(message, 180, "Ringing", tag="t")
                sbc.answer(message, 200, "OK", tag="t")
        elif message.method == "ACK":
            self.state = "held"
        else:
            sbc.answer(message, 200, "OK")


class Same:
    def __init__(self, world):
        self.world = world

    def __enter__(self):
        self.world.kept = draw.randrange(QUEUES)

    def __exit__(self, *error):
        self.world.kept = None


class World:
    def __init__(self, tap):
        self.tap, self.kept, self.spread = tap, None, "any"
        self.sbc = End(self, SBC, 5060)
        self.carriers = {port: End(self, CARRIER, port) for port in PORTS}
        self.calls, self.options = {}, {}

    def queue(self, end):
        if self.spread == "one":
            return 0
        if self.spread == "flow":  # as RSS does, by addresses and ports
            return zlib.crc32(f"{end.address}:{end.port}".encode()) % QUEUES
        return self.kept if self.kept is not None else draw.randrange(QUEUES)

    def same_queue(self):
        return Same(self)

    def handle(self, seconds):
        """What has come; returns how much."""
        count = 0
        for (address, port), payload in self.tap.take(seconds):
            if port != 5060 and port not in self.carriers:
                continue
            message = Message(payload, (OURS, 5060))
            name = message.get("call-id")
            count += 1
            if name in self.options:
                check(message.status == 200, f"{name}: {message.start}")
                self.options[name] += 1
                check(self.options[name] == 1, f"{name} was answered twice")
            elif address == SBC:
                self.calls[name].at_callee(message)
            else:
                check(message.status, f"{name}: the caller got {message.start}")
                self.calls[name].at_caller(message)
        return count

    def until(self, condition, what):
        """Handles what comes until the condition is true."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if self.handle(0.2):
                deadline = time.monotonic() + PATIENCE
            check(time.monotonic() < deadline, f"{what}: nothing comes any more")

    def run(self, calls, wanted, begin):
        """Brings calls to a state, at most 32 on the way."""
        todo, under_way = iter(calls), []
        for call in itertools.chain(todo, itertools.repeat(None)):
            if call is not None:
                self.calls[call.name] = call
                begin(call)
                under_way.append(call)
            self.until(lambda: sum(one.state not in wanted for one in under_way) < (32 if call else 1), "calls")
            under_way = [one for one in under_way if one.state not in wanted]
            if call is None and not under_way:
                return

    def ask(self, names, at_once=64):
        """OPTIONS to Dialgate itself."""
        end = self.carriers[5060]
        sent = 0
        for name in names:
            self.options[name] = 0
            end.send(end.request("OPTIONS", uri=f"sip:{OURS}", call_id=name))
            sent += 1
            if sent % at_once == 0:
                yield sent


class Dialgate:
    def __init__(self, ctl, run):
        self.command = [ctl, "--run-directory", run, "--json"]

    def ask(self, *words):
        """A result a page."""
        done = subprocess.run([*self.command, *words], check=True, capture_output=True, timeout=60)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def cores(self):
        return self.ask("core", "list")[0]["cores"]

    def owners(self):
        """Call-ID to worker, of each dialog that there is."""
        rows = [row for page in self.ask("dialog", "list", "--limit", "1000") for row in page["dialogs"]]
        check(len({row["call_id"] for row in rows}) == len(rows), "a Call-ID has two dialogs")
        return {row["call_id"]: row["worker"] for row in rows}


def received(cores):
    return {(queue["queue"], core["worker"]): queue["received"] for core in cores for queue in core["queues"]}


def grown(before, after, key):
    return [new[key] - old[key] for old, new in zip(before, after)]


def spread_over(before, after):
    old = received(before)
    return {queue: count - old[queue, worker] for (queue, worker), count in sorted(received(after).items())}


def hold_and_end(world, dialgate, names, spread):
    """Calls with these names, held, asked for, and ended; returns their owners."""
    world.spread = spread
    ends = [world.carriers[PORTS[i % len(PORTS)]] for i in range(len(names))]
    calls = [Call(world, name, end) for name, end in zip(names, ends)]
    before = dialgate.cores()
    world.run(calls, ("held",), Call.begin)
    owners = dialgate.owners()
    check(set(owners) == set(names), f"{len(set(names) - set(owners))} calls have no dialog, {len(set(owners) - set(names))} are ghosts")
    world.run(calls, ("over",), Call.hang_up)
    after = dialgate.cores()
    by_queue = spread_over(before, after)
    check(all(count > len(names) / 4 for count in by_queue.values()), f"packets by queue: {by_queue}")
    shares = [list(owners.values()).count(worker) for worker in range(2)]
    check(min(shares) > len(names) / 4, f"calls by worker: {shares}")
    print(f"spread={spread} calls={len(names)} by_worker={shares} packets_by_queue={by_queue} "
          f"owned={grown(before, after, 'owned')} steered_away={grown(before, after, 'steered_away')}", flush=True)
    return owners


def large(world, count):
    """INVITEs in fragments that come by all queues in any order."""
    world.spread = "any"
    body = "".join(f"{i:07}\r\n" for i in range(450))
    calls = [Call(world, f"large-{i}@queues", world.carriers[5060], body) for i in range(count)]
    world.run(calls, ("held",), Call.begin)
    world.run(calls, ("over",), Call.hang_up)
    print(f"large={count} octets={len(body)}", flush=True)


def one_queue(world, dialgate):
    """One 5-tuple by one queue: both workers own as many messages, though one of them receives them all."""
    world.spread = "one"
    before, begin = dialgate.cores(), time.monotonic()
    calls = [Call(world, f"one-{i}@queues", world.carriers[5060]) for i in range(250)]
    world.run(calls, ("held",), Call.begin)
    world.run(calls, ("over",), Call.hang_up)
    for sent in world.ask(f"ask-{i}@queues" for i in range(16000)):
        world.until(lambda: sum(world.options.values()) > sent - 256, "answers")
    world.until(lambda: sum(world.options.values()) == len(world.options), "answers")
    after, seconds = dialgate.cores(), time.monotonic() - begin
    owned, by_queue = grown(before, after, "owned"), spread_over(before, after)
    check(sum(owned) == 250 * 6 + 16000, f"messages owned: {owned}")
    check(max(owned) - min(owned) <= max(owned) / 10, f"messages owned: {owned}")
    check(all((count == sum(owned)) == (queue == 0) and (queue == 0 or count == 0) for queue, count in by_queue.items()),
          f"packets by queue: {by_queue}")
    busy = [f"{new['busy_s'] - old['busy_s']:.2f}" for old, new in zip(before, after)]
    print(f"one_queue owned={owned} packets_by_queue={by_queue} busy_s={busy} of {seconds:.1f}", flush=True)


def full_inbox(world, dialgate, pid):
    """Worker 1 stands still: what it owns of what worker 0 receives waits in its inbox, and what that has no room for is lost
    and counted. Worker 0 answers all of its own meanwhile, and worker 1 all that waited as soon as it goes on."""
    world.spread = "one"
    world.options = {}
    before = dialgate.cores()
    # Threads are named by DPDK's lcores, of which the agent is number 0.
    stopper = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), "stop_thread.py"), str(pid), "*worker-2"],
                               stdout=subprocess.PIPE, text=True)
    try:
        check(stopper.stdout.readline() == "stopped\n", "stop_thread.py does not stop worker 1")
        # So that the queue itself is never full, whatever the machine does: 1,000 at a time.
        for sent in world.ask((f"full-{i}@queues" for i in range(10000)), 1000):
            world.until(lambda: sum(spread_over(before, dialgate.cores()).values()) >= sent, "packets of worker 0")
        cores = dialgate.cores()
        lost = cores[0]["inbox"]["not_taken"] - before[0]["inbox"]["not_taken"]
        check(lost > 0, f"10,000 messages filled no inbox: {cores}")
        world.until(lambda: sum(world.options.values()) >= grown(before, cores, "owned")[0], "answers of worker 0")
    finally:
        stopper.send_signal(signal.SIGTERM)
        stopper.wait()
    world.until(lambda: sum(world.options.values()) >= 10000 - lost, "answers of worker 1")
    while world.handle(1.0):
        pass
    after = dialgate.cores()
    answered = sum(world.options.values())
    check(answered == 10000 - lost, f"{answered} answered, {lost} lost of 10000")
    check(grown(before, after, "owned") == [grown(before, after, "steered_away")[1] + 10000 - grown(before, after, "steered_away")[0],
                                            grown(before, after, "steered_away")[0] - lost], f"owned: {grown(before, after, 'owned')}")
    check(after[1]["inbox"]["deepest"] == after[1]["inbox"]["room"], f"inbox of worker 1: {after[1]['inbox']}")
    print(f"full_inbox lost={lost} answered={answered} inbox={after[1]['inbox']}", flush=True)


def main():
    interface, ctl, run, directory = sys.argv[1:]
    tap = Tap(interface)
    print("attached", flush=True)
    while not os.path.exists(f"{directory}/go"):
        time.sleep(0.1)
    world, dialgate = World(tap), Dialgate(ctl, run)
    names = [f"call-{i}@queues" for i in range(300)]
    owners = hold_and_end(world, dialgate, names, "any")
    check(hold_and_end(world, dialgate, names, "flow") == owners, "a Call-ID has another owner by another queue")
    large(world, 60)
    one_queue(world, dialgate)
    with open(f"{directory}/dataplane.pid") as file:
        full_inbox(world, dialgate, int(file.read().split()[0]))
    print("passed", flush=True)
    signal.pause()


try:
    main()
except Exception as error:  # the test waits for one of two words
    print(f"failed: {type(error).__name__}: {error}", flush=True)
    raise
