// SPDX-License-Identifier: BSD-3-Clause
// Transactions of RFC 3261 section 17 with RFC 6026's Accepted states, over UDP. The four machines are const
// tables [kind][state][event] -> next state and actions (transaction_fsm.c). A record is a slab entry with
// index and generation; the octets that it may have to send again lie in the worker's arena. This module
// knows no message: it says what is to be done, the caller (path/) renders and sends.
//
//   server (IST, NIST): found by a keyed hash of topmost branch, sent-by and method (17.2.3), through the
//   table. client (ICT, NICT): found by the cookie in our branch (17.1.3): index, generation, and the key
//   compared whole.
//
// Timers (17, 6026): ICT A, B, D, M and the proxy's C; NICT E, F, K; IST G, H, I, L; NIST J, and the time
// after which a 100 is due (RFC 4320 4.1). Otherwise a server transaction that waits for its user has no
// timer (17.2): transaction_end_at() may give it one. A client transaction may be given a time within which
// any response is to come: transaction_slow_at().
#ifndef DIALGATE_STATE_TRANSACTION_H
#define DIALGATE_STATE_TRANSACTION_H

#include "arena.h"
#include "table.h"
#include "wheel.h"

#define WHEEL_CLASS_TRANSACTION 0u
#define WHEEL_CLASS_DIALOG      1u

enum transaction_kind {
    TRANSACTION_INVITE_SERVER,
    TRANSACTION_SERVER,
    TRANSACTION_INVITE_CLIENT,
    TRANSACTION_CLIENT,
    TRANSACTION_KINDS
};

enum transaction_state {
    TRANSACTION_FREE,   // not in use
    TRANSACTION_TRYING, // ICT: Calling; NICT, NIST: Trying; IST does not use it
    TRANSACTION_PROCEEDING,
    TRANSACTION_COMPLETED,
    TRANSACTION_CONFIRMED,  // IST only
    TRANSACTION_ACCEPTED,   // INVITE only (RFC 6026)
    TRANSACTION_TERMINATED, // left at once: the caller releases
    TRANSACTION_STATES
};

enum transaction_event {
    TRANSACTION_ON_REQUEST,  // server: the request again
    TRANSACTION_ON_ACK,      // IST: ACK to a non-2xx final (the same branch)
    TRANSACTION_ON_SEND_1XX, // server: the user sends, 100 too
    TRANSACTION_ON_SEND_2XX,
    TRANSACTION_ON_SEND_FAILURE, // 300-699
    TRANSACTION_ON_1XX,          // client: 101-199 received; ICT: timer C begins again (16.7 step 2)
    TRANSACTION_ON_2XX,
    TRANSACTION_ON_FAILURE,    // 300-699
    TRANSACTION_ON_RETRANSMIT, // timer A, E, G
    TRANSACTION_ON_TIMEOUT,    // timer B, F, H, and what transaction_end_at() set
    TRANSACTION_ON_END,        // timer D, I, J, K, L, M
    TRANSACTION_ON_TRANSPORT,  // it could not be sent (17.1.4, 17.2.4)
    TRANSACTION_ON_100,        // client: 100 received; as ON_1XX, but timer C runs on from the request
    TRANSACTION_ON_TIMER_C,    // ICT: rang too long (16.8)
    TRANSACTION_ON_LATE,       // NIST: the user has not answered; the requester repeats every T2 by now
    TRANSACTION_ON_SLOW,       // client: no response at all within the time of transaction_slow_at()
    TRANSACTION_EVENTS         // also: nothing to do
};

enum transaction_action {
    TRANSACTION_DO_SEND =
        1, // send the message handed in with the event (1xx, 2xx, failure from the user); the caller keeps it
    TRANSACTION_DO_RESEND =
        2, // send the kept message again (server: last response; client: the request); only when there is one
    TRANSACTION_DO_DELIVER = 4,  // give the received message to the transaction user
    TRANSACTION_DO_ACK = 8,      // ICT: send the hop-by-hop ACK of 17.1.1.3
    TRANSACTION_DO_FAIL = 16,    // tell the user: timeout or transport error
    TRANSACTION_DO_RELEASE = 32, // Terminated: the caller calls transaction_release() when done
    TRANSACTION_DO_REFUSE =
        64, // the user may not do this now (a second final response, ...): nothing is sent
    TRANSACTION_DO_CANCEL =
        128, // ICT, timer C: send CANCEL (16.8); without a final response DO_FAIL comes 64*T1 later (9.1)
    TRANSACTION_DO_TRYING = 256,  // NIST: send 100 (RFC 4320 4.1)
    TRANSACTION_DO_FAILOVER = 512 // client: try elsewhere; this one goes on until B or F
};

struct transaction_cell {
    uint8_t next;     // enum transaction_state; TRANSACTION_FREE: no state and no timer changes, the event is
                      // absorbed
    uint16_t actions; // enum transaction_action bits
};
extern const struct transaction_cell transaction_fsm[TRANSACTION_KINDS][TRANSACTION_STATES]
                                                    [TRANSACTION_EVENTS];

struct transaction_timers {
    tick_t t1, t2, t4, b, c; // c: counts as three minutes and a tick when it is less (16.6 step 11)
};

// What the end of a state is: struct transaction's ending.
enum transaction_ending {
    TRANSACTION_ENDING_NEVER,
    TRANSACTION_ENDING_AT,      // end_at: ON_TIMEOUT, or ON_END in a state that only waits
    TRANSACTION_ENDING_TIMER_C, // end_at: ON_TIMER_C; each ON_1XX moves it
    TRANSACTION_ENDING_SLOW     // end_at: ON_SLOW; then B or F
};

#define TRANSACTION_FLAG_CANCELLED   1u   // IST: CANCEL came; ICT: our CANCEL is wanted
#define TRANSACTION_FLAG_CANCEL_SENT 2u   // ICT: our CANCEL is out
#define TRANSACTION_FLAG_PROVISIONAL 4u   // ICT: a 1xx came
#define TRANSACTION_FLAG_RINGING     8u   // IST: a 1xx above 100 was sent on
#define TRANSACTION_FLAG_OPERATOR    16u  // ended by a command
#define TRANSACTION_FLAG_TIMER_C     64u  // IST: the callee rang longer than timer C
#define TRANSACTION_FLAG_OURS        32u  // client: made by us (CANCEL, BYE, probe): responses end here
#define TRANSACTION_FLAG_ABANDONED   128u // client: another branch stands for it; only its 2xx goes upstream

// Fields that the caller owns are written by the caller freely; the others by this module only. A new record
// has INDEX_NONE in other, dialog and (client) cancel, and zeros elsewhere.
struct transaction {
    uint64_t key; // server: hash; client: the caller's 64-bit check of the branch
    struct wheel_node timer;
    uint32_t generation; // grows at each release
    uint8_t kind;        // enum transaction_kind
    uint8_t state;       // enum transaction_state
    uint8_t method;      // caller's: enum sip_method
    uint8_t flags;       // caller's: TRANSACTION_FLAG_*
    tick_t started;
    tick_t retransmit_at;
    tick_t
        interval;  // the next retransmission comes this long after the last; 0: none pending. NIST: until 100
    tick_t end_at; // see ending
    arena_ref kept; // message to repeat
    uint32_t kept_length;
    struct endpoint remote; // caller's: where its messages go (client: next hop; server: where responses go)
    uint32_t
        other; // caller's: client: its server transaction; server: its client transaction; INDEX_NONE: none
    uint32_t other_generation;
    uint32_t dialog; // caller's: index of the dialog record, INDEX_NONE: none
    uint32_t dialog_generation;
    uint16_t peer;   // caller's: permanent number
    uint16_t member; // caller's: permanent number
    union {
        uint32_t cancel;    // client, caller's: the client transaction of our CANCEL, INDEX_NONE: none
        arena_ref attempts; // server, caller's: what was tried for it (failover.h); freed with the record
    };
    union {
        uint32_t next_free;   // slab
        uint32_t received_us; // caller's: low bits of its microsecond clock when the request came
    };
    uint8_t ending; // enum transaction_ending
    uint8_t side;   // caller's: of an OPTIONS of ours inside a dialog: who was asked
    uint16_t cause; // caller's: IST: of the Reason in the CANCEL or early BYE (RFC 3326), 0: none
    bool sip_cause; // it is a SIP status, else one of Q.850
    bool ua;        // caller's: it is an application's (ua.h)
};
static_assert(offsetof(struct transaction, end_at) + sizeof(tick_t) == 44,
              "what lookup and timers touch, in 44 octets");
static_assert(sizeof(struct transaction) == 112, "beside 8 octets of table: within 512 of a transaction");

struct transactions {
    struct transaction *records;
    uint32_t capacity;
    uint32_t count;
    uint32_t free;      // head of the list of free records
    struct table table; // of server transactions
    struct arena *arena;
    struct wheel *wheel;
    struct transaction_timers timers; // a reload may change them; running ones keep theirs
};

size_t transactions_memory(uint32_t capacity); // octets, 64-octet aligned: records and table
// Capacity: at most 2^29 - 1. Timers are RFC 3261's until the caller sets others. Takes
// WHEEL_CLASS_TRANSACTION of the wheel.
void transactions_init(struct transactions *set, void *memory, uint32_t capacity, struct arena *arena,
                       struct wheel *wheel);

// A new one in its first state with its first timers armed (client: request just sent; its retransmission is
// due after T1). key: see struct transaction. INDEX_NONE when full.
uint32_t transaction_create(struct transactions *set, enum transaction_kind kind, uint64_t key, tick_t now);
static inline struct transaction *transaction_at(struct transactions *set, uint32_t index)
{
    return &set->records[index];
}
uint32_t transaction_find_server(const struct transactions *set, uint64_t key);
// Of what that will touch, the first line.
void transaction_prefetch_server(const struct transactions *set, uint64_t key);
// Of what the release of a record will touch, the lines beside its first.
void transaction_prefetch_release(const struct transactions *set, uint32_t index);
// generation: the low 16 bits. INDEX_NONE unless index is a live client transaction with this generation and
// key.
uint32_t transaction_find_client(const struct transactions *set, uint32_t index, uint16_t generation,
                                 uint64_t key);
// Applies the event: state, timers. Returns the actions. TRANSACTION_EVENTS, and any event of a free record:
// nothing.
unsigned transaction_step(struct transactions *set, uint32_t index, enum transaction_event event, tick_t now);
// The node of this transaction expired: which event that is now. When both are due, the end wins.
// TRANSACTION_EVENTS when nothing is due any more, because something earlier in this turn changed or released
// the record.
enum transaction_event transaction_expired(const struct transactions *set, uint32_t index, tick_t now);
// Sets the end of the present state: a shorter B, the 64*T1 that a cancelled INVITE has left (9.1), a bound
// for a server transaction whose user may forget it. Ends with ON_TIMEOUT (ON_END in a state that only
// waits).
void transaction_end_at(struct transactions *set, uint32_t index, tick_t deadline);
// Of a client transaction in its first state: ON_SLOW comes at this time, if that is before B or F.
void transaction_slow_at(struct transactions *set, uint32_t index, tick_t deadline);
// The request is not sent again; the transaction goes on until B or F.
void transaction_quiet(struct transactions *set, uint32_t index, tick_t now);
// Keeps a copy of a message to repeat, instead of the last one. Returns 0, or -ENOSPC (the old one is gone
// then).
int transaction_keep(struct transactions *set, uint32_t index, const void *octets, uint32_t length);
void transaction_release(struct transactions *set, uint32_t index);

#endif
