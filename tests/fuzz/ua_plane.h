// SPDX-License-Identifier: BSD-3-Clause
// A data plane as control sees one, as a model: dialogs of applications with their states, requests under way
// each way, commands that wait to be carried out. It says only what a data plane may say (channel_ua.h), and
// holds what control commands against it.
#ifndef DIALGATE_TESTS_FUZZ_UA_PLANE_H
#define DIALGATE_TESTS_FUZZ_UA_PLANE_H

#include "../unit/control/ua_world.h"

#define PLANE_ROWS     96u
#define PLANE_COMMANDS 64u
#define PLANE_PROXIED  4u

struct plane_call {
    uint64_t handle, id; // id: what control calls it, the handle of its first try
    uint64_t number;     // of its Call-ID
    uint64_t placed;     // tag of our INVITE that has no final response; 0: none
    uint64_t asked;      // transaction of the far end's INVITE that waits; 0: none
    uint16_t application;
    uint8_t state;
    bool live, callee;
    bool claimed, was_claimed, early_only; // for a call with Replaces
    unsigned refers, notifies, lasts;      // REFERs that came in it, NOTIFYs that went out
};

struct plane_sent { // a request of control's that waits for its response
    uint64_t tag, dialog;
    char method[32];
};

struct plane_asked { // a request of the far end's that waits for RESPOND
    uint64_t transaction, dialog;
    bool invite, answered;
};

struct plane_proxied { // a dialog between two peers
    uint64_t handle;   // 0: none as yet
    uint64_t tag;      // of an operator's REFER that is under way; 0: none
    uint32_t cseq;     // of its last REFER
};

struct plane {
    struct ua_world *world;
    uint16_t sbcs;         // number of a peer that is no application
    uint64_t dialogs_told; // ends of dialogs between peers
    uint64_t last_handle, last_transaction, last_number, last_tag;
    unsigned call_count, sent_count, asked_count, command_count;
    unsigned refers, referred_calls; // REFERs that came, INVITEs that came of them
    struct plane_call calls[PLANE_ROWS];
    struct plane_sent sent[PLANE_ROWS];
    struct plane_asked asked[PLANE_ROWS];
    struct plane_proxied proxied[PLANE_PROXIED];
    struct channel_ua_command *commands[PLANE_COMMANDS];
};

void plane_begin(struct plane *plane, struct ua_world *world);
// Reads what control has said; questions are answered at once, commands wait.
void plane_take(struct plane *plane);
// Carries out the oldest command, or refuses it with -errno where result is not 0. False: there is none.
bool plane_do(struct plane *plane, int result);
// A response to the request of control's, or of the call's INVITE; 0: none came.
void plane_respond(struct plane *plane, unsigned which, unsigned status, const char *lines);
void plane_call_in(struct plane *plane, uint16_t application, const char *lines);
// A call that is to replace another one.
void plane_call_replacing(struct plane *plane, const struct plane_call *old, bool early_only);
// A request of the far end, in a call (NULL: outside) with further header lines and a body.
struct plane_text {
    const char *method, *lines, *body;
};
void plane_ask(struct plane *plane, struct plane_call *call, const struct plane_text *text);
void plane_cancel(struct plane *plane, struct plane_call *call);
void plane_hang_up(struct plane *plane, struct plane_call *call);
void plane_fork(struct plane *plane, const struct plane_call *call);
void plane_tell(struct plane *plane, const struct plane_call *call, enum channel_ua_kind kind);
// The state is told; its end too.
void plane_change(struct plane *plane, struct plane_call *call, unsigned state, unsigned reason);
struct plane_call *plane_live(struct plane *plane, unsigned which); // NULL: none
void plane_end(struct plane *plane);

// --- ua_plane_refer.c ---

// CLAIM of a call that is known by its handle, or (NULL) named by texts; REFER. Told what came of it: true.
bool plane_claim(struct plane *plane, const struct channel_ua_command *command, struct plane_call *call);
bool plane_refer(struct plane *plane, const struct channel_ua_command *command);
bool plane_end_claimed(struct plane_call *call);             // false: it was not held any more
uint64_t plane_proxied(struct plane *plane, unsigned which); // handle
// Something passes in such a dialog, or it ends.
void plane_pass(struct plane *plane, unsigned which, unsigned what);
// The connection goes, with the commands that were on it, and comes again.
void plane_lose(struct plane *plane);

#endif
