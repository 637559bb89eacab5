# SPDX-License-Identifier: BSD-3-Clause
"""A client of the control socket: calls, and the events that come between the answers."""

import json
import select
import socket
import time

PATIENCE = 20.0  # seconds for what comes in milliseconds: more than a loaded machine takes


class Refused(Exception):
    """The daemon's error; code is JSON-RPC's."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]


class Client:
    def __init__(self, run_directory):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(f"{run_directory}/control.sock")
        self.text, self.last, self.events = b"", 0, []

    def line(self, seconds):
        """The next line as JSON, None when none comes."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.text:
            if not select.select([self.socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
                return None
            octets = self.socket.recv(65536)
            if not octets:
                raise EOFError("the daemon closed the connection")
            self.text += octets
        line, _, self.text = self.text.partition(b"\n")
        return json.loads(line)

    def call(self, method, /, **params):
        self.last += 1
        request = {"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            line = self.line(PATIENCE)
            if line is None:
                raise TimeoutError(f"no answer to {method}")
            if line.get("id") != self.last:
                self.events.append(line["params"])
            elif "error" in line:
                raise Refused(line["error"])
            else:
                return line["result"]

    def event(self, name, seconds=PATIENCE, **fields):
        """The next event of this name with these fields; others before it are passed over, in order."""
        seen = []
        deadline = time.monotonic() + seconds
        while True:
            if self.events:
                event = self.events.pop(0)
            else:
                line = self.line(max(0.0, deadline - time.monotonic()))
                if line is None:
                    raise TimeoutError(f"no {name} {fields} but {[(one['event'], one) for one in seen]}")
                event = line["params"]
            if event.get("event") == name and all(event.get(key) == value for key, value in fields.items()):
                return event
            seen.append(event)


def header(event, name):
    """The first value of a header field of an event's message."""
    for key, value in event["message"]["headers"]:
        if key.lower() == name.lower():
            return value
    return None
