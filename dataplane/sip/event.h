// SPDX-License-Identifier: BSD-3-Clause
// Event (RFC 6665 8.2.1, 8.4; RFC 3515 2.4.6 for the id of a REFER's subscription).
#ifndef DIALGATE_SIP_EVENT_H
#define DIALGATE_SIP_EVENT_H

#include "message.h"
#include "write.h"

struct event {
    struct span package; // with its templates: "presence.winfo"; compared with case (RFC 6665 8.2.1)
    struct span id;      // length 0: none
};

// Returns 0, or -1: no package, an empty or repeated id.
int event_read(const uint8_t *octets, struct span value, struct event *event);
// The REFER that the message's Event is about: its id, which is a CSeq number, 0 when there is none, which
// means the first one of the dialog (RFC 3515 2.4.6). False: there is no Event, or it is none of REFER's.
bool event_refer(const struct message *message, struct span *id, uint32_t *cseq);
void write_event(struct writer *writer, const uint8_t *octets, const struct event *event);

#endif
