# SPDX-License-Identifier: BSD-3-Clause
"""The application desk, a program over the control socket, and what it does with far ends of others' making."""

import sys
import time

from rpc_client import PATIENCE, Client
from sip_peer import check

SDP = "v=0\r\no=- 5 5 IN IP4 10.10.0.10\r\ns=-\r\nc=IN IP4 10.10.0.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


def header(event, name):
    """Of the message that an event has; "" where there is none."""
    return ", ".join(value for key, value in event["message"]["headers"] if key.lower() == name)


class Desk(Client):
    def __init__(self, name="desk"):
        super().__init__(sys.argv[1])
        self.call("ua.attach", application=name)

    def event(self, name, seconds=PATIENCE, **fields):
        """The next event of this name with these fields; others are kept, as who comes first of two is the far ends' matter."""
        kept, self.events = self.events, []
        for number, event in enumerate(kept):
            if event.get("event") == name and all(event.get(key) == value for key, value in fields.items()):
                self.events = kept[:number] + kept[number + 1 :]
                return event
        deadline = time.monotonic() + seconds
        while (line := self.line(max(0.0, deadline - time.monotonic()))) is not None:
            event = line["params"]
            if event.get("event") == name and all(event.get(key) == value for key, value in fields.items()):
                self.events = kept
                return event
            kept.append(event)
        raise TimeoutError(f"no {name} {fields} but {kept}")

    def incoming(self, ring=True):
        """A call that came; it rings. Returns the dialog's id."""
        dialog = self.event("incoming")["dialog"]
        if ring:
            self.call("ua.progress", dialog=dialog)
        return dialog

    def answer(self, dialog, **fields):
        self.call("ua.answer", dialog=dialog, body=SDP, **fields)
        self.event("ack", dialog=dialog)
        return dialog

    def place(self, to, **fields):
        return self.call("ua.call", to=to, **{"body": SDP, **fields})["dialog"]

    def rings(self, dialog):
        """Until it rings."""
        while self.event("progress", dialog=dialog)["status"] != 180:
            pass

    def asked(self, dialog, method, status=200, **fields):
        """A request of the far end's in the call, which is answered so."""
        event = self.event("request", dialog=dialog, method=method)
        self.call("ua.respond", request=event["request"], status=status, **fields)
        if method == "INVITE" and status < 300:
            self.event("ack", dialog=dialog)
        return event

    def answered(self, tag, status=200):
        """The final response to a request of ours."""
        while not (event := self.event("response", tag=tag))["final"]:
            pass
        check(event["status"] == status, event)
        return event

    def ended(self, dialog, by):
        event = self.event("ended", dialog=dialog)
        check(event["by"] == by, event)

    def hang_up(self, dialog):
        self.call("ua.terminate", dialog=dialog)
        self.ended(dialog, "local")

    def update(self, dialog):
        """An UPDATE of ours in the call: the final response."""
        tag = f"update {dialog}"
        self.call("ua.update", dialog=dialog, body=SDP, tag=tag)
        while not (event := self.event("response", tag=tag))["final"]:
            pass
        return event

    def transfer_ends(self, refer, status):
        """The last progress of a transfer, by its id."""
        while not (event := self.event("refer_progress", refer=refer))["final"]:
            pass
        check(event["status"] == status, event)
        return event
