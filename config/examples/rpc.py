#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Talks to dialgate-control with Python's standard library alone: as a module, or from a shell.

usage: rpc.py [--socket PATH] METHOD [NAME=VALUE...]

VALUE is JSON, or a text as it is. `rpc.py api.list` names the methods, `rpc.py dialog.list stream=true` prints a
page of dialogs a line, `rpc.py events.follow` prints events until it is stopped. Exit status 1: refused, and why.
"""

import json
import socket
import sys

SOCKET = "/run/dialgate/control.sock"


class Refused(Exception):
    """An error that the daemon answered."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]


class Dialgate:
    """One connection. Calls go one after another; what comes between is kept in `notifications`."""

    def __init__(self, path=SOCKET, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.last = 0
        self.notifications = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the connection."""
        self.lines.close()
        self.socket.close()

    def receive(self):
        """The next line, as JSON."""
        line = self.lines.readline()
        if not line.endswith("\n"):
            raise ConnectionError("dialgate-control closed the connection")
        return json.loads(line)

    def send(self, method, params):
        """Sends a request and returns its id."""
        self.last += 1
        request = {"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        return self.last

    def parts(self, method, **params):
        """Yields the parts of a streamed answer, then the answer: the daemon waits while nobody asks for more."""
        number = self.send(method, params)
        while True:
            line = self.receive()
            if line.get("method") and line["params"].get("id") == number:
                yield line["params"]
            elif line.get("method"):
                self.notifications.append(line)
            elif "error" in line:
                raise Refused(line["error"])
            else:
                yield line["result"]
                return

    def call(self, method, **params):
        """The answer alone."""
        *_, answer = self.parts(method, **params)
        return answer

    def batch(self, calls):
        """Several (method, params) in one line; their answers in order, errors too."""
        requests = [{"jsonrpc": "2.0", "id": i, "method": m, "params": p} for i, (m, p) in enumerate(calls)]
        self.socket.sendall(json.dumps(requests).encode() + b"\n")
        line = self.receive()
        while not isinstance(line, list):
            if "error" in line:
                raise Refused(line["error"])
            self.notifications.append(line)
            line = self.receive()
        return sorted(line, key=lambda answer: answer["id"])

    def dialogs(self, **filters):
        """Every dialog, however many there are."""
        for page in self.parts("dialog.list", stream=True, **filters):
            yield from page["dialogs"]

    def events(self, **filters):
        """Follows events until the connection ends."""
        self.call("events.follow", **filters)
        self.socket.settimeout(None)
        while True:
            yield self.notifications.pop(0) if self.notifications else self.receive()


def value_of(text):
    """JSON where it is JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def main():
    """Serves the command line."""
    words = sys.argv[1:]
    path = SOCKET
    if words[:1] == ["--socket"]:
        path, words = words[1], words[2:]
    if not words or words[0].startswith("-"):
        sys.exit(__doc__)
    params = {name: value_of(value) for name, _, value in (word.partition("=") for word in words[1:])}
    try:
        with Dialgate(path) as dialgate:
            parts = dialgate.events(**params) if words[0] == "events.follow" else dialgate.parts(words[0], **params)
            for part in parts:
                print(json.dumps(part), flush=True)
    except (Refused, OSError) as error:
        sys.exit(f"rpc.py: {error}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
