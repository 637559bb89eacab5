// SPDX-License-Identifier: BSD-3-Clause
// A request of an application's outside a dialog, while it is made (ua_place.c): its name and its octets.
#ifndef DIALGATE_PATH_UA_DRAFT_H
#define DIALGATE_PATH_UA_DRAFT_H

#include "ua.h"

// One that is being made.
struct placed {
    const struct ua_command *command;
    struct packet packet; // as if it had come from the application
    uint16_t peer, member;
    bool invite;
    const struct snapshot_route *route; // NULL: the command names the peer
    struct endpoint to;
    uint32_t cseq;
    struct dialog_string call_id, tag; // the command's, or the two below
    char new_call_id[COOKIE_TEXT_MAX], new_tag[COOKIE_TEXT_MAX];
    char branch[COOKIE_TEXT_MAX];
};
static inline struct cookie_octets cookie_of(struct dialog_string text)
{
    return (struct cookie_octets){text.octets, text.length};
}

// Call-ID, From-tag and CSeq: new ones, or those of an earlier request (8.1.3.5, 10.2.4, 22.2), which come
// from here. Returns 0, -EINVAL or -ENOSPC.
int ua_draft_name(struct worker *worker, struct placed *placed);
// The draft, in worker->kept; its Via is anybody's. Returns 0, -EINVAL: what the command says makes no
// message, or another one; -EMSGSIZE.
int ua_draft_make(struct worker *worker, struct placed *placed);
// As it goes. draft: that one. The writer may overflow.
void ua_draft_write(struct worker *worker, struct writer *writer, const struct placed *placed,
                    const struct message *draft);

#endif
