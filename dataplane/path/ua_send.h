// SPDX-License-Identifier: BSD-3-Clause
// What a call in which we are an end sends without being asked, and the header lines of its requests that are
// not the application's to write.
#ifndef DIALGATE_PATH_UA_SEND_H
#define DIALGATE_PATH_UA_SEND_H

#include "ua.h"

// DO_ACK: the ACK to the 2xx that the step is about, or that the call still owes (RFC 3261 13.2.2.4). One
// that is kept goes again; a new one has the INVITE's credentials (22.1) and is kept.
void ua_send_ack(struct worker *worker, const struct ua_step *step, uint32_t usage);
// A new one; asked: what the application puts into it, NULL: nothing. Returns 0 or -errno as channel_ua.h.
int ua_send_new_ack(struct worker *worker, uint32_t dialog, uint32_t cseq, const struct inside_asked *asked);
// DO_CANCEL: of the INVITE or re-INVITE under way (9.1).
void ua_send_cancel(struct worker *worker, const struct ua_step *step, uint32_t usage);
// PRACK to the reliable 1xx that usage_receive_reliable() took, with what the application puts into it; NULL:
// nothing. Returns 0 or -errno as channel_ua.h has them, and the client transaction.
int ua_send_prack(struct worker *worker, uint32_t dialog, const struct inside_asked *asked, uint32_t *client);

// Marks a client transaction as the application's; tag: of the command, 0: of none.
void ua_own(struct worker *worker, uint32_t client, uint64_t tag);
// Supported, Require, Session-Expires and Min-SE of an INVITE, re-INVITE or UPDATE (RFC 3262, 4028, 6228).
struct ua_options {
    uint16_t application;
    bool invite;
    uint32_t dialog;                         // inside this one, INDEX_NONE
    const struct channel_ua_command *wanted; // what the command says of the session
};
void ua_write_options(struct worker *worker, struct writer *writer, const struct ua_options *options);
// The body is a session description (RFC 3264): of its type, and for the session (RFC 3261 20.11). A
// multipart body counts as one that has it.
bool ua_has_description(const struct message *message);

#endif
