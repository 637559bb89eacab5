# SPDX-License-Identifier: BSD-3-Clause
"""The channel as a client sees it (include/dialgate/channel.h) and snapshots (snapshot.h), for tests of the data plane alone."""

import array
import fcntl
import os
import socket
import struct

MAGIC, VERSION, TEXT_SIZE, MESSAGE_MAX = 0x43474C44, 9, 256, 16384
HELLO, SNAPSHOT, DIALOG_LIST, DIALOG_SHOW, DIALOG_END, SNAPSHOT_RESULT, DIALOG_ROW, DONE, REFUSED = range(1, 10)
UA_COMMAND, UA_EVENTS, LISTENERS = 20, 21, 22
UA_INVITE, UA_END, UA_DONE = 1, 6, 6  # two operations, an event
CONTROL, WAITING, STARTING, RUNNING, FAILED = range(5)
NUMBER_NONE = 0xFFFF
AF_XDP, AF_PACKET = 0, 1
SEALS = 0x0002 | 0x0004 | 0x0008  # SHRINK, GROW, WRITE
ADD_SEALS, GET_SEALS = 1033, 1034


def header(kind, body, request=0, magic=MAGIC, version=VERSION, size=None):
    return struct.pack("=IHHII", magic, version, kind, 16 + len(body) if size is None else size, request) + body


def hello_body(state=CONTROL):
    return struct.pack("=IIQQIII16II256s4096s", state, os.getpid(), 0, 0, 0, 0, 0, *[0] * 16, 0, b"", b"")


def done_of(body):
    result, rows, cursor, text = struct.unpack("=iIQ256s", body)
    return result, rows, cursor, text.rstrip(b"\0").decode()


def list_body(cursor=0, limit=100, peer=NUMBER_NONE, state=0, older_ms=0):
    return struct.pack("=QQHHI", cursor, older_ms, peer, state, limit)


def select_body(handle=0, call_id=b"", length=None):
    return struct.pack("=QH3H512s", handle, len(call_id) if length is None else length, 0, 0, 0, call_id)


def ua_command(tag, op, dialog=0, transaction=0, application=NUMBER_NONE, texts=(), body=b""):
    """texts: of enum channel_ua_text, in order; those that are missing are empty."""
    texts = (list(texts) + [b""] * 9)[:9]
    return struct.pack("=QQQHHHHBBH9HHHHI", tag, dialog, transaction, application, NUMBER_NONE, NUMBER_NONE, 0, op, 0, len(body),
                       *[len(t) for t in texts], 0, 0, 0, 0) + b"".join(texts) + body


def ua_events(body):
    """Number of the first, how many are lost before it, and the events."""
    first, lost, count, _ = struct.unpack("=QQII", body[:24])
    events, at = [], 24
    for _ in range(count):
        fields = struct.unpack("=QQQQQiHHHHBBBB16sH6x", body[at : at + 80])
        events.append(dict(zip(("tag", "dialog", "transaction", "call", "time_ms", "result", "application", "peer", "status", "length",
                                "kind", "state", "reason", "flags", "source", "source_port"), fields), message=body[at + 80 : at + 80 + fields[9]]))
        at += 80 + (fields[9] + 7) // 8 * 8
    assert at == len(body), (at, len(body))
    return first, lost, events


def address(text):
    return b"\0" * 10 + b"\xff\xff" + socket.inet_aton(text)


def snapshot(networks, listeners, members=(), sequence=1, workers=1, **settings):
    """networks: (name, interface, attach, queues); listeners: (name, address, port, network); members: addresses of the one peer."""
    value = {"dialogs": 1000, "transactions": 1000, "arena": 4 << 20, "mbufs": 16384, "memory": 256, "mode": 0, "usages": 0}
    value.update(settings)
    peers = [struct.pack("=32sIHH4HIIIIHHI8HII8H4BI6IHHIIIBB3H6I", b"peer", 1, 0, 0, 0, *[NUMBER_NONE] * 3, 0, 1, len(members), 0, 0, 3, 0, *[0] * 8, 0, 0, *[0] * 8,
                         *[0] * 4, 0, *[0] * 6, 503, 5, 60, *[0] * 7, *[1000] * 6)] if members else []
    sections = [
        [struct.pack("=32s32s32sIIIIII48s", n.encode(), i.encode(), b"", a, q, 0, 0, 0, 0, b"") for n, i, a, q in networks],
        [struct.pack("=32s16s16sHHHH", n.encode(), address(a), address(a), p, p, w, 0) for n, a, p, w in listeners],
        peers,
        [struct.pack("=IHH16sHHIII", 1, 0, 5060, address(m), 1, 1, 0, 0, 0) for m in members],
        [struct.pack("=16sHHI", address(m), 128, 0, 0) for m in members],
        [],
        [struct.pack("=H", 0)] if members else [],
        [],
        [struct.pack("=H", i) for i in range(len(members))],
        [b"\0"],
        [],
        [],
    ]
    prefilter = struct.pack("=HHI", value["mode"], 0, 64) + struct.pack("=II", 1000, 1000) * 4
    parts = struct.pack("=IIIIQIIIIIIIIQII32s112s", workers, 0, value["dialogs"], value["transactions"], value["arena"],
                        value["mbufs"], value["memory"], 500, 4000, 5000, 32000, 180000, 300000, 7200000, 0, 0, b"", b"") + prefilter
    parts += struct.pack("=IIIHHHHIIIIIII", 0, 0, 0, 503, 5, 90, 90, 10000, 5, 0, 0, 0, value["usages"], 0) + struct.pack("=10I", *[0] * 10)
    parts += struct.pack("=8I2Q", *[0, 1] * 3, 10000, 0, 600000, 86400000)
    offset, ranges, image = 24 + 8 * len(sections) + 392, b"", b""
    assert len(parts) == 392
    for rows in sections:
        octets = b"".join(rows)
        octets += b"\0" * (-len(octets) % 8)
        ranges += struct.pack("=II", offset + len(image), len(rows))
        image += octets
    return struct.pack("=QIIQ", 0x746F687370616E73, 8, offset + len(image), sequence) + ranges + parts + image


def memfd(octets, seals=SEALS):
    fd = os.memfd_create("snapshot", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, octets)
    fcntl.fcntl(fd, ADD_SEALS, seals)
    return fd


class Channel:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.request = 0
        self.listeners = None  # how many sockets came last, to be kept open

    def close(self):
        self.socket.close()

    def send(self, datagram, fds=()):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.socket.sendmsg([datagram], rights)

    def receive(self):
        """(type, request, body, descriptors), or None at the end. LISTENERS are only counted."""
        message = self.receive_any()
        while message is not None and message[0] == LISTENERS:
            self.listeners = len(message[3])
            for fd in message[3]:
                os.close(fd)
            message = self.receive_any()
        return message

    def receive_any(self):
        octets, rights, _, _ = self.socket.recvmsg(MESSAGE_MAX, socket.CMSG_SPACE(4 * 96))
        fds = array.array("i")
        for _, _, data in rights:
            fds.frombytes(data[: len(data) // 4 * 4])
        if not octets:
            return None
        magic, version, kind, size, request = struct.unpack("=IHHII", octets[:16])
        assert (magic, version, size) == (MAGIC, VERSION, len(octets)), octets[:16]
        return kind, request, octets[16:], list(fds)

    def hello(self):
        """Says hello; returns state, text, workers, descriptors."""
        self.send(header(HELLO, hello_body()))
        return self.hello_of(self.receive())

    @staticmethod
    def hello_of(message):
        assert message is not None and message[0] == HELLO, message
        fields = struct.unpack("=IIQQIII16II256s4096s", message[2])
        return {"state": fields[0], "pid": fields[1], "sequence": fields[3], "workers": fields[4], "counters": fields[5],
                "networks": fields[6], "maps": fields[7:23], "captures": fields[23], "text": fields[24].rstrip(b"\0").decode(), "fds": message[3]}

    def ask(self, kind, body, fds=(), **over):
        """Sends a request; returns the kind of the last answer, its result, text, cursor and the rows before it."""
        self.request += 1
        self.send(header(kind, body, request=self.request, **over), fds)
        rows = []
        while True:
            message = self.receive()
            if message is None:
                return None
            if message[0] == HELLO:
                continue
            if message[0] == DIALOG_ROW:
                rows.append(message[2])
                continue
            result, _, cursor, text = done_of(message[2])
            return {"kind": message[0], "request": message[1], "result": result, "text": text, "cursor": cursor, "rows": rows}

    def load(self, image, seals=SEALS, sequence=None, size=None):
        fd = memfd(image, seals)
        try:
            body = struct.pack("=QII", struct.unpack("=Q", image[16:24])[0] if sequence is None else sequence,
                               len(image) if size is None else size, 0)
            return self.ask(SNAPSHOT, body, [fd])
        finally:
            os.close(fd)
