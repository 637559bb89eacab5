// SPDX-License-Identifier: BSD-3-Clause
// One REFER and its subscription (RFC 3515, 4488, 6665, 7647), as the one who is referred and as the one who
// refers. Pure: events go in, actions come out, nothing is sent here.
//
//   refer_fsm.c    const table [state][event] -> next state, actions
//   refer.c        the record: one NOTIFY at a time, how many at most, when it runs out
//   refer_read.c   what a REFER, a SUBSCRIBE, a NOTIFY of it say, and whether they may
//   refer_write.c  header lines of REFER, NOTIFY and of the call that a REFER asks for
//
// The bounds: an accepted REFER makes one call (DO_CALL leaves REFER_ASKED only, which nothing returns to)
// and at most REFER_NOTIFIES_MAX NOTIFYs and the last one. What happens while a NOTIFY waits for its response
// is told by one NOTIFY afterwards, with what is true then.
#ifndef DIALGATE_CONTROL_REFER_H
#define DIALGATE_CONTROL_REFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../dataplane/sip/message.h"
#include "../../dataplane/sip/replaces.h"
#include "../../dataplane/sip/write.h"

#define REFER_NOTIFIES_MAX  16u
#define REFER_EXPIRES_S     180u    // of a subscription; a SUBSCRIBE asks for more, at most
#define REFER_EXPIRES_MAX_S 3600u   // this
#define REFER_ASKED_MS      15000u  // until configuration says how long a program may take
#define REFER_LAST_MS       40000u  // the last NOTIFY has its response, or none: over 64*T1
#define REFER_SENT_MS       240000u // ours: nothing was heard for so long
#define REFER_DEPTH_MAX     4u      // calls that came of a REFER in a call that came of a REFER ...

enum refer_state {
    REFER_FREE,
    // somebody refers us
    REFER_ASKED,     // the REFER waits for its answer
    REFER_CARRIED,   // the call is under way, they hear of it
    REFER_SILENT,    // likewise, and they do not: norefersub (RFC 4488), unsubscribed, expired, not there
    REFER_REPORTING, // the last NOTIFY is to go or waits for its response
    // we refer somebody
    REFER_SENDING,   // no final response yet; NOTIFYs may come before it (RFC 6665 4.1.2.4)
    REFER_ENDED,     // likewise, and the last NOTIFY has come
    REFER_WAITING,   // accepted, NOTIFYs are to come
    REFER_LINGERING, // the outcome is known, the subscription still goes on
    REFER_OVER,
    REFER_STATES
};

enum refer_event {
    REFER_ON_ACCEPT,
    REFER_ON_ACCEPT_SILENT, // norefersub
    REFER_ON_REFUSE,
    REFER_ON_PROGRESS, // 1xx of the call
    REFER_ON_OUTCOME,  // its final response, or none
    REFER_ON_SUBSCRIBE,
    REFER_ON_UNSUBSCRIBE,
    REFER_ON_EXPIRED,
    REFER_ON_LAST_DONE, // the last NOTIFY has its response, or none
    REFER_ON_DEAF,      // a NOTIFY was refused or not answered: nobody is subscribed (RFC 6665 4.2.2)
    REFER_ON_GONE,      // the dialog of the REFER is over; the subscription goes on without it (RFC 5057)
    REFER_ON_LIFE,      // it has taken too long
    REFER_ON_2XX,       // of our REFER, 202 is as 200 (RFC 7647)
    REFER_ON_2XX_SILENT,
    REFER_ON_REFUSED,
    REFER_ON_TOLD,       // NOTIFY: under way
    REFER_ON_TOLD_FINAL, // NOTIFY with a final status, and the subscription goes on
    REFER_ON_TOLD_LAST,  // NOTIFY that ends the subscription
    REFER_EVENTS
};

#define REFER_DO_ACCEPT 1u   // 2xx to the REFER
#define REFER_DO_REFUSE 2u   // another final response
#define REFER_DO_CALL   4u   // the one call
#define REFER_DO_NOTIFY 8u   // what is true now
#define REFER_DO_LAST   16u  // likewise, and the subscription ends
#define REFER_DO_ANSWER 32u  // 200 to their SUBSCRIBE or NOTIFY
#define REFER_DO_DENY   64u  // 481 to it
#define REFER_DO_TELL   128u // the program
#define REFER_DO_END    256u // the outcome is known: count it
#define REFER_DO_FORGET 512u

struct refer_cell {
    uint8_t next; // REFER_FREE: the state stays
    uint16_t actions;
};
extern const struct refer_cell refer_fsm[REFER_STATES][REFER_EVENTS];

struct refer {
    uint8_t state;     // enum refer_state
    uint8_t notifies;  // that were sent
    uint16_t status;   // of the call, as known; 0: the REFER is not answered
    bool last;         // the last NOTIFY has been asked for
    bool due;          // a NOTIFY is to go as soon as none waits
    bool out;          // a NOTIFY waits for its response
    bool out_last;     // and it is the last
    bool ran_out;      // the subscription expired or was ended by them: reason=timeout
    bool named;        // Event has an id: not the first REFER of its dialog (RFC 3515 2.4.6)
    uint32_t cseq;     // of the REFER
    uint64_t until_ms; // of the subscription
    uint64_t life_ms;  // REFER_ON_LIFE then
};

void refer_begin(struct refer *refer, enum refer_state state, uint32_t cseq, uint64_t now_ms);
// One event. status goes with PROGRESS and OUTCOME, and with what is TOLD. Returns the actions; a NOTIFY is
// among them (DO_NOTIFY or DO_LAST) only if it is to go out now, then refer_notified() tells what came of it.
unsigned refer_step(struct refer *refer, enum refer_event event, unsigned status, uint64_t now_ms);
// The NOTIFY that waits has its final response, 0: none came. Returns actions, as refer_step().
unsigned refer_notified(struct refer *refer, unsigned status, uint64_t now_ms);
// Seconds of their SUBSCRIBE, granted: returns the actions.
unsigned refer_subscribe(struct refer *refer, uint32_t expires_s, uint64_t now_ms);
unsigned refer_clock(struct refer *refer, uint64_t now_ms);
// After a restart of who keeps it. The response to a NOTIFY that waited is lost, and perhaps the NOTIFY was
// never sent: what is true now goes again. status: of the call, known by other ways; 0: nothing new.
unsigned refer_revive(struct refer *refer, unsigned status, uint64_t now_ms);
const char *refer_state_name(enum refer_state state);

// --- refer_read.c ---

struct refer_limits {
    uint32_t uri, replaces, parameters; // octets, octets, number
};

#define REFER_TEXT_MAX 2048u
struct refer_ask { // what a REFER asks for; texts end with a NUL
    char uri[REFER_TEXT_MAX];
    char user[256]; // of the URI, as it is written
    char host[256];
    char replaces[REFER_TEXT_MAX / 2]; // unescaped, as the header of the call has it; "": none
    char referred_by[REFER_TEXT_MAX];  // "": none
    uint8_t method;                    // enum sip_method
    bool silent;                       // Refer-Sub: false
    bool sip;                          // the URI is a sip URI
    bool elsewhere;                    // a parameter leads to another host than its own
};
// Returns 0, or the status to refuse it with: 400 (RFC 3515 2.4.2: exactly one Refer-To, and what it holds;
// what is over a limit), 413 and 414 for what is longer than struct refer_ask has room for.
unsigned refer_read(const struct message *message, const struct refer_limits *limits, struct refer_ask *ask);
// Whether control may carry it out by itself: 0; 416: no sip URI; 403: no INVITE; 482: it would replace the
// dialog that it came in, or is too deep a chain of transfers.
unsigned refer_judge(const struct message *message, const struct refer_ask *ask, unsigned depth);

struct refer_news {  // a NOTIFY of our REFER
    uint16_t status; // 0: none
    char reason[128];
    bool last;
};
// Returns 0; 489: another package (RFC 6665 4.1.3), 400: no Subscription-State, or a body that is none.
unsigned refer_read_notify(const struct message *message, struct refer_news *news);
// Whether Event is refer and means the REFER with this CSeq, the first of its dialog or not.
bool refer_is_about(const struct message *message, uint32_t cseq, bool first);
bool refer_is_event(const struct message *message); // whatever id it has
// Expires of a SUBSCRIBE; without one, REFER_EXPIRES_S.
uint32_t refer_read_expires(const struct message *message);
bool refer_is_silent(const struct message *message); // Refer-Sub: false (RFC 4488 section 4)

// What becomes of an INVITE with Replaces (RFC 3891 section 3), of the dialog that it names. 0: it takes its
// place.
struct refer_match {
    bool found;
    bool confirmed;
    bool callee;  // we were called
    bool ended;   // it is over, or about to be
    bool allowed; // who sent the INVITE may replace it
    bool taken;   // another INVITE is about to replace it
};
unsigned refer_judge_replaces(const struct refer_match *match, bool early_only);
// The Replaces of an INVITE, if one is given. Returns 0; 400: several, a Join beside it (RFC 3911 section 4),
// or no Replaces.
unsigned refer_read_replaces(const struct message *message, struct replaces *replaces, bool *given);

// --- refer_write.c: lines with their CRLF, into writer; overflow: it was too long ---

void refer_write_notify(struct writer *writer, const struct refer *refer, bool last, uint64_t now_ms);
void refer_write_call(struct writer *writer, const struct refer_ask *ask);

struct refer_order {                         // a REFER of ours; texts without control octets
    const char *uri;                         // without headers
    const char *method;                      // NULL: INVITE
    const char *referred_by;                 // NULL: none
    const char *call_id, *to_tag, *from_tag; // of the dialog to replace; call_id NULL: none
    bool early_only;
    bool silent;
    const char *about, *about_local, *about_remote; // Call-ID and tags of a Target-Dialog; NULL: none
};
// False: the URI is none, too long, or has headers or a method of its own already.
bool refer_write_refer(struct writer *writer, const struct refer_order *order);

#endif
