# SPDX-License-Identifier: BSD-3-Clause
"""linphone-daemon in one of the lab's namespaces: commands into a pipe, events out of its log."""

import os
import time

from sip_peer import PATIENCE, Wrong, transcript


class Linphone:
    """Calls are numbered by it, from 1: `last` is that of the newest."""

    def __init__(self, space):
        home = f"{os.path.dirname(os.environ['LAB_RUN'])}/linphone-{space}"
        self.space, self.last, self.events, self.replies, self.text = space, 0, [], [], ""
        self.commands = open(f"{home}/commands", "w", encoding="utf-8")
        self.log = open(f"{home}.log", encoding="utf-8", errors="replace")

    def do(self, command):
        """A command; returns when it has been carried out."""
        transcript.append(f">>> {self.space} {command}")
        self.replies.clear()
        self.commands.write(command + "\n")
        self.commands.flush()
        self.until(lambda: self.replies, command)
        if self.replies.pop(0) != "Ok":
            raise Wrong(f"{self.space}: {command} is refused")

    def wait(self, state, call=None):
        """The next time that a call is in this state. What is told before is passed over."""
        call = str(call or self.last)

        def fits(event):
            return event.get("Event") == state and event.get("Id") == call

        return self.wait_fit(fits, f"no {state} of call {call}")

    def wait_fit(self, fits, what):
        self.until(lambda: any(fits(event) for event in self.events), what)
        while not fits(event := self.events.pop(0)):
            pass
        return event

    def incoming(self, state="LinphoneCallIncomingReceived"):
        """A call that comes: its number."""
        event = self.wait_fit(lambda event: event.get("Event") == state and "Id" in event, f"no {state}")
        self.last = int(event["Id"])
        return self.last

    def message(self):
        """The next MESSAGE that came: its fields."""
        return self.wait_fit(lambda event: event["Event-type"] == "message-received" and "Content" in event, "no message")

    def dial(self, uri):
        self.do(f"call {uri}")
        return self.incoming("LinphoneCallOutgoingInit")

    def until(self, done, what):
        deadline = time.monotonic() + PATIENCE
        while not done():
            line = self.log.readline()
            if not line.endswith("\n"):
                # A file has nothing to wait on.
                if time.monotonic() > deadline:
                    raise Wrong(f"{self.space}: {what} within {PATIENCE} s")
                self.text += line
                time.sleep(0.01)
                continue
            self.take((self.text + line).strip().removeprefix("daemon-linphone>"))
            self.text = ""

    def take(self, line):
        name, _, value = line.partition(": ")
        if name == "Status":
            self.replies.append(value)
        elif name == "Event-type":
            self.events.append({name: value})
        elif self.events and name in ("Event", "Id", "From", "To", "Content", "State"):
            self.events[-1].setdefault(name, value)
        if name in ("Status", "Event", "Id", "Reason"):
            transcript.append(f"<<< {self.space} {line}")
