// SPDX-License-Identifier: BSD-3-Clause
// An operator's REFER into a live proxied call (dialgate/channel_ua.h): sent to one side in the name of the
// other, its NOTIFYs answered here. What is under way is remembered by the worker alone: after a restart of
// the process those NOTIFYs pass to the other side, which answers 481 (RFC 6665 4.1.3), and the call goes on.
#ifndef DIALGATE_PATH_REFER_OPERATOR_H
#define DIALGATE_PATH_REFER_OPERATOR_H

#include "dialog.h"

#define REFERS_MAX 256u // of a worker at once

enum refer_stage {
    REFER_SENT,     // no final response as yet
    REFER_ACCEPTED, // 2xx
    REFER_OVER      // its outcome is known; what is repeated of it is still answered here
};

struct refer_sent {
    uint64_t tag; // of the command
    uint32_t dialog;
    uint32_t generation;
    uint32_t client; // transaction of the REFER, until its final response
    uint32_t cseq;   // as the referee has it: the id of its NOTIFYs (RFC 3515 2.4.6)
    uint32_t notify; // the next NOTIFY has this CSeq at least; those below it are repetitions
    tick_t until;
    uint8_t to;    // enum dialog_side: the referee
    uint8_t stage; // enum refer_stage
    bool keep;     // the call, whatever comes of it
    bool unnamed;  // a NOTIFY without id can be about it
};

struct refers_sent { // zeroed memory is empty
    uint32_t count;
    struct refer_sent rows[REFERS_MAX];
};

struct worker;
struct work;
struct message;
struct ua_command;

// ua_command.c: CHANNEL_UA_REFER. Returns 0 and its transaction in the command, or -errno.
int refer_operator_send(struct worker *worker, struct ua_command *command);
// response.c: a REFER of ours was answered finally; response NULL: by nobody. Any other request: nothing.
void refer_operator_ended(struct worker *worker, uint32_t client, const struct message *response);
// route_inside.c: a NOTIFY inside a proxied dialog. True: it was about a REFER of ours, and is settled.
bool refer_operator_takes(struct worker *worker, struct work *work);

#endif
