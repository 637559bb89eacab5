// SPDX-License-Identifier: BSD-3-Clause
// Requests that Dialgate makes: originate.c those that are made from another message, originate_inside.c
// those inside a dialog, which are made from its record.
#ifndef DIALGATE_PATH_ORIGINATE_H
#define DIALGATE_PATH_ORIGINATE_H

#include "dialog.h"
#include "message.h"
#include "write.h"

struct worker;
struct rte_mbuf;

void originate_ack(struct worker *worker, uint32_t client,
                   const struct message *response);            // to a non-2xx (17.1.1.3)
void originate_cancel(struct worker *worker, uint32_t client); // 9.1
void originate_cancel_with(struct worker *worker, uint32_t client,
                           struct dialog_string headers); // lines with CRLF each
void originate_bye(struct worker *worker, uint32_t dialog, enum dialog_side to);
// originate_inside.c: a request to one side of a dialog, in the name of the other one (12.2.1.1): with that
// side's half of the route set, a strict router at its head too.
struct inside {
    uint32_t dialog;
    enum dialog_side to;
    enum sip_method method;
    uint32_t cseq;
    const char *extra;                // header lines with CRLF each, or NULL
    const struct inside_asked *asked; // NULL: it is no application's
};
// What an application puts into a request.
struct inside_asked {
    struct dialog_string method;  // name of METHOD_OTHER
    struct dialog_string contact; // value of a Contact; length 0: none
    struct dialog_string headers; // lines with CRLF each
    struct dialog_string body;
};
// Its client transaction, of this dialog; INDEX_NONE: it did not go, or will not be repeated for want of
// room.
uint32_t originate_inside(struct worker *worker, const struct inside *inside);
// The same for an application, an INVITE too. Returns 0 and the client transaction, or -errno and nothing has
// gone: -ENETUNREACH no way, -ENOSPC no room, -EMSGSIZE longer than the way takes.
int originate_asked(struct worker *worker, const struct inside *inside, uint32_t *client);
// The ACK to a 2xx (13.2.2.4), ready to go. Made again it is the same. Returns 0, or -errno as above.
struct originated {
    struct rte_mbuf *mbuf;
    struct writer writer;
    struct endpoint to;
};
int originate_ack_inside(struct worker *worker, const struct inside *inside, struct originated *ack);
// Where a request to this side goes; without an address: nowhere.
struct endpoint originate_next_hop(struct worker *worker, uint32_t dialog, enum dialog_side to);
// Sends what an application asked for, and keeps it. Takes the mbuf. Returns 0, or -errno as above and the
// transaction is gone.
int originate_send_asked(struct worker *worker, uint32_t client, const struct originated *request);
// A client transaction for a request of ours; dialog: INDEX_NONE or its record. INDEX_NONE: no room.
uint32_t originate_begin(struct worker *worker, uint8_t method, struct endpoint to, uint32_t dialog);
// Takes the mbuf. Without a transaction (INDEX_NONE) or room to keep it the request goes once, and its
// transaction ends here. False: it did not go.
bool originate_send(struct worker *worker, uint32_t index, struct rte_mbuf *mbuf, const struct writer *writer,
                    struct endpoint to);

#endif
