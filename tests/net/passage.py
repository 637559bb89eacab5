# SPDX-License-Identifier: BSD-3-Clause
"""What passed Dialgate against what was sent: all octets are the same but those that a proxy has to change."""

import re

from sip_peer import CORE, EDGE, check

OUR_VIA = re.compile(rf"Via: SIP/2\.0/UDP ({re.escape(CORE)}|{re.escape(EDGE)}):5060;branch=[^\r]*\r\n")
OUR_ROUTE = re.compile(rf"(Record-Route|Route): <sip:({re.escape(CORE)}|{re.escape(EDGE)}):5060;lr[^>]*>\r\n")
HOPS = re.compile(r"\r\nMax-Forwards: (\d+)\r\n")


def halves(text):
    head, _, body = text.partition("\r\n\r\n")
    return head + "\r\n", body


def request_passed(sent, got):
    """RFC 3261 16.6: our Via and Record-Route on top, our Route values gone, one hop less; nothing else."""
    sent_head, sent_body = halves(sent)
    got_head, got_body = halves(got.text)
    wanted = OUR_ROUTE.sub("", HOPS.sub(lambda found: f"\r\nMax-Forwards: {int(found.group(1)) - 1}\r\n", sent_head))
    found = OUR_ROUTE.sub("", OUR_VIA.sub("", got_head, count=1))
    check(found == wanted, f"a request was changed:\n{found}\ninstead of\n{wanted}")
    check(got_body == sent_body, f"a request's body was changed: {got_body!r}")


def response_passed(sent, got):
    """RFC 3261 16.7 step 9: our Via gone; nothing else."""
    sent_head, sent_body = halves(sent)
    got_head, got_body = halves(got.text)
    wanted = OUR_VIA.sub("", sent_head, count=1)
    check(got_head == wanted, f"a response was changed:\n{got_head}\ninstead of\n{wanted}")
    check(got_body == sent_body, f"a response's body was changed: {got_body!r}")
