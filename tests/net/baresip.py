# SPDX-License-Identifier: BSD-3-Clause
"""A baresip in one of the lab's namespaces, steered over its control socket (module ctrl_tcp: JSON in netstrings)."""

import json
import os
import select
import socket
import time

from sip_peer import PATIENCE, Wrong, enter, own_space, transcript


class Phone:
    def __init__(self, space):
        self.space, self.octets, self.events, self.answers = space, b"", [], []
        descriptor = os.open(f"/run/netns/{os.environ['LAB_ID']}-{space}", os.O_RDONLY)
        try:
            enter(descriptor)
            self.socket = socket.create_connection(("127.0.0.1", 4444), timeout=PATIENCE)
        finally:
            enter(own_space)
            os.close(descriptor)

    def do(self, command, parameters="", seconds=PATIENCE):
        """A command; returns when baresip has taken it."""
        text = json.dumps({"command": command, "params": parameters, "token": command}).encode()
        transcript.append(f">>> {self.space} {text.decode()}")
        self.socket.sendall(b"%d:%s," % (len(text), text))
        self.until(lambda: self.answers, seconds, f"no answer to {command}")
        answer = self.answers.pop(0)
        if not answer.get("ok"):
            raise Wrong(f"{self.space}: {command}: {answer.get('data')}")

    def wait(self, kind, seconds=PATIENCE):
        """The next event of this kind; those before it are passed over."""

        def come():
            return any(event["type"] == kind for event in self.events)

        self.until(come, seconds, f"no {kind}")
        while self.events.pop(0)["type"] != kind:
            pass

    def forget(self):
        """What this end did itself is told as well; nobody waits for that."""
        self.events.clear()

    def until(self, done, seconds, what):
        deadline = time.monotonic() + seconds
        while not done():
            if not select.select([self.socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise Wrong(f"{self.space}: {what} within {seconds} s")
            self.read()

    def read(self):
        octets = self.socket.recv(65536)
        if not octets:
            raise Wrong(f"{self.space}: baresip has ended")
        self.octets += octets
        while b":" in self.octets:
            length, _, rest = self.octets.partition(b":")
            size = int(length)
            if len(rest) <= size:
                return
            message = json.loads(rest[:size])
            self.octets = rest[size + 1 :]
            transcript.append(f"<<< {self.space} {message}")
            (self.events if message.get("event") else self.answers).append(message)


def ring_any(phones, seconds=PATIENCE):
    """The phone that rings first."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ready = select.select([phone.socket for phone in phones], [], [], max(0.0, deadline - time.monotonic()))[0]
        for phone in phones:
            if phone.socket in ready:
                phone.read()
            if any(event["type"] == "CALL_INCOMING" for event in phone.events):
                phone.wait("CALL_INCOMING")
                return phone
    raise Wrong(f"no call within {seconds} s")
