// SPDX-License-Identifier: BSD-3-Clause
// The INVITE usage of one dialog in which Dialgate is an end: what a user agent must do from the first INVITE
// to the last BYE (RFC 3261 sections 9, 12-15; RFC 3262, 3311, 4028, 5057, 5407, 6026, 6141, 6228). Like the
// transactions below it, it knows no message: events go in, actions come out, the caller renders and sends.
//
//   usage_fsm.c      const table [state][event] -> next state, actions: the call and the INVITE under way in
//   it usage.c          records, timers, dialog sets, the step usage_request.c  may this request come in, may
//   that one go out: CSeq, glare, PRACK, UPDATE, session timer
//
// A call as UAS: usage_create(), usage_step(ON_SEND_2XX), ... A call as UAC: usage_create(), then for each
// response usage_step(usage_invite_event()). A session description is told before the event of the message
// that carries it: usage_description(). In a dialog each received request but ACK and CANCEL goes through
// usage_receive() first; CANCEL, matched to its INVITE, is ON_CANCEL.
//
// Dialog sets (forks): the record of the INVITE becomes the dialog of the first To-tag; usage_fork() makes
// one for each further tag. They are linked. The first 2xx of one tells the others: their own 2xx is answered
// with ACK and BYE, and 64*T1 later those still early are over (13.2.2.4). A branch that comes to an end
// while another one rings is over by itself; the end of the last one is a CANCEL. A final failure, and a
// CANCEL that the user wants, are of the whole set: the caller steps each of usage_set(). DO_CANCEL may then
// come several times for one INVITE; its client transaction remembers that the CANCEL is out. A 2xx for which
// there is no usage (any more) gets ACK and BYE from the caller.
//
// Every record is on the wheel as long as it lives.
#ifndef DIALGATE_STATE_USAGE_H
#define DIALGATE_STATE_USAGE_H

#include "arena.h"
#include "offer.h"
#include "session_timer.h"
#include "wheel.h"

#define WHEEL_CLASS_USAGE 2u
#define USAGES_OF_SET_MAX 32u // dialogs of one INVITE

enum usage_role { USAGE_CLIENT, USAGE_SERVER }; // of the first INVITE; the client owns the Call-ID (14.1)

enum usage_state {
    USAGE_FREE,
    // the first INVITE, ours
    USAGE_CALLING,
    USAGE_PROCEEDING,  // a 1xx came
    USAGE_LOST_EARLY,  // 199 ended this early dialog; the INVITE is under way elsewhere (RFC 6228)
    USAGE_CANCEL_HELD, // CANCEL waits for a 1xx (9.1)
    USAGE_CANCELLED,
    USAGE_ACCEPTED, // 2xx came, the user owes the ACK
    // the first INVITE, theirs
    USAGE_INVITED,
    USAGE_HELD,         // our 2xx waits for a PRACK (RFC 3262 section 3)
    USAGE_ANSWERED,     // 2xx sent, no ACK yet
    USAGE_ENDING,       // likewise, and our BYE waits for the ACK (section 15)
    USAGE_LEFT_UNACKED, // the peer's BYE came before its ACK: over, but the 2xx is repeated
    // the call
    USAGE_CONFIRMED,
    USAGE_REINVITING,
    USAGE_REINVITE_PROCEEDING,
    USAGE_REINVITE_CANCEL_HELD,
    USAGE_REINVITE_CANCELLED,
    USAGE_REINVITE_ACCEPTED,
    USAGE_REINVITED,
    USAGE_REINVITE_HELD,
    USAGE_REINVITE_ANSWERED,
    // the end
    USAGE_LEAVING_EARLY, // our BYE is out, and so is our first INVITE
    USAGE_LEFT_EARLY,    // the BYE is answered, the INVITE is not
    USAGE_LEAVING,       // our BYE is out
    USAGE_TERMINATED,    // left at once: the caller releases
    USAGE_STATES
};

enum usage_event {
    // the user wants
    USAGE_ON_SEND_INVITE, // a re-INVITE, which has the last usage_number()
    USAGE_ON_SEND_CANCEL, // no more of our INVITE or re-INVITE
    USAGE_ON_SEND_1XX,    // 101-199 to the peer's INVITE; a reliable one after usage_send_reliable()
    USAGE_ON_SEND_2XX,    // to the peer's INVITE or re-INVITE
    USAGE_ON_SEND_FAILURE,
    USAGE_ON_SEND_ACK,    // the ACK that it owed
    USAGE_ON_LEAVE_EARLY, // BYE to one early dialog of a set (section 15: the caller may)
    USAGE_ON_END,         // the end, by whatever the state asks for: CANCEL, refusal, BYE now or later
    // the peer sent
    USAGE_ON_INVITE, // re-INVITE that usage_receive() let in
    USAGE_ON_CANCEL, // of its INVITE or re-INVITE
    USAGE_ON_ACK,    // of the INVITE under way: usage_receive_ack()
    USAGE_ON_BYE,
    USAGE_ON_PRACKED, // our reliable 1xx is acknowledged
    USAGE_ON_1XX,     // 100 too: it frees a CANCEL
    USAGE_ON_199,
    USAGE_ON_2XX,
    USAGE_ON_OLD_2XX,        // again, of an INVITE before the one under way
    USAGE_ON_FAILURE,        // 300-699 or nothing came to our INVITE; the call, if there was one, goes on
    USAGE_ON_GONE,           // what came or did not come to a request of ours ends the usage: ending_of()
    USAGE_ON_BYE_DONE,       // final response to our BYE, or none
    USAGE_ON_BYE_CHALLENGED, // 401 or 407, and there are credentials
    // timers
    USAGE_ON_LIFE,    // early too long, the call's longest duration, a CANCEL or BYE that nobody answers
    USAGE_ON_EXPIRED, // the session was not refreshed (RFC 4028 section 10)
    USAGE_ON_GIVE_UP, // 64*T1 without ACK, PRACK, or the user's ACK
    USAGE_ON_REPEAT,  // our 2xx or reliable 1xx again
    USAGE_ON_RETRY,   // the wait after 491 or Retry-After is over
    USAGE_ON_REFRESH, // half of the session interval
    USAGE_ON_EXTEND,  // a minute after our last 1xx
    USAGE_ON_FORGET,  // 64*T1 after the 2xx nobody repeats it (RFC 6026 timer M): the kept ACK goes
    // usage_step() makes these of those above
    USAGE_ON_2XX_LATE,      // 2xx whose ACK is the user's
    USAGE_ON_2XX_SURPLUS,   // 2xx of a set that has another already
    USAGE_ON_SEND_2XX_HELD, // 2xx before the PRACK of a description
    USAGE_ON_BRANCH_OVER,   // this early dialog is over, its INVITE is answered or still rings elsewhere
    USAGE_EVENTS            // also: nothing to do
};

enum usage_action {
    USAGE_DO_SEND = 1,   // the user's message goes out
    USAGE_DO_RESEND = 2, // usage_repeated() goes out
    USAGE_DO_ACK = 4,    // ACK to this 2xx: usage_ack() of its CSeq, or a new one for usage_keep_ack()
    USAGE_DO_BYE = 8,
    USAGE_DO_CANCEL = 16,
    USAGE_DO_REFUSE = 32,    // refuse the peer's INVITE with usage_refusal()
    USAGE_DO_DELIVER = 64,   // tell the user
    USAGE_DO_CONFIRM = 128,  // newly confirmed
    USAGE_DO_END = 256,      // newly over
    USAGE_DO_RELEASE = 512,  // Terminated: the caller calls usage_release() when done
    USAGE_DO_NOT_NOW = 1024, // the user may not do this in this state
    USAGE_DO_TARGET = 2048, // the Contact of the peer's last target refresh is the remote target from now on;
                            // no later failure takes it back (RFC 6141 section 4)
    USAGE_DO_RETRY = 4096,
    USAGE_DO_REFRESH = 8192,
    USAGE_DO_AUTHORIZE = 16384, // BYE again, with credentials and the next CSeq
    USAGE_DO_RESYNC = 32768, // the re-INVITE failed after a part of it took effect: the user sends another,
                             // so that both ends see the same session (RFC 6141 3.4)
    USAGE_DO_EXTEND = 65536  // the last 1xx again, a reliable one with the next RSeq: or a proxy's timer C
                             // runs out (13.3.1.1)
};

struct usage_cell {
    uint8_t next;     // enum usage_state; USAGE_FREE: no state and no timer changes
    uint32_t actions; // enum usage_action bits
};
extern const struct usage_cell usage_fsm[USAGE_STATES][USAGE_EVENTS];

enum usage_timer { // in the order in which they win when due together
    USAGE_TIMER_LIFE,
    USAGE_TIMER_EXPIRED,
    USAGE_TIMER_GIVE_UP,
    USAGE_TIMER_REPEAT,
    USAGE_TIMER_RETRY,
    USAGE_TIMER_REFRESH,
    USAGE_TIMER_FORGET,
    USAGE_TIMER_EXTEND,
    USAGE_TIMERS
};

#define USAGE_FLAG_LATE_ACK        1u // caller's: the user gives the ACK to our INVITE's 2xx itself
#define USAGE_FLAG_SURPLUS         2u // another dialog of the set had its 2xx
#define USAGE_FLAG_OFFERED         4u // our first INVITE had an offer
#define USAGE_FLAG_CHANGED         8u // an exchange took effect within the re-INVITE under way (RFC 6141 3.4)
#define USAGE_FLAG_UNACKED         16u  // our reliable 1xx `rseq` waits for its PRACK
#define USAGE_FLAG_UNACKED_BODY    32u  // and has a description
#define USAGE_FLAG_RSEQ            64u  // rseq was set in the INVITE under way
#define USAGE_FLAG_UPDATE_SENT     128u // ours has no final response yet
#define USAGE_FLAG_UPDATE_RECEIVED 256u // theirs has none
#define USAGE_FLAG_REMOTE_CSEQ     512u // the peer sent a request already (12.1.2: empty at first)

// Messages that may have to be sent again.
enum usage_slot {
    USAGE_SLOT_REPEATED, // server: reliable 1xx until its PRACK, 2xx until its ACK
    USAGE_SLOT_HELD,     // server: 2xx that waits for a PRACK
    USAGE_SLOT_ACK,      // client: ACK to the last 2xx; another's INVITE does not touch it
    USAGE_SLOTS
};

struct usage {
    struct wheel_node timer;
    uint32_t generation; // grows at each release
    uint8_t state;       // enum usage_state
    uint8_t role;        // enum usage_role
    uint8_t armed;       // bits 1 << enum usage_timer
    struct offer offer;
    uint16_t flags; // USAGE_FLAG_*
    tick_t at[USAGE_TIMERS];
    tick_t interval; // of USAGE_TIMER_REPEAT
    uint32_t
        local_cseq; // of the last request that we sent in the dialog; a server's may be set after creation
    uint32_t remote_cseq;
    uint32_t invite_cseq; // of the INVITE under way or last, either way; ACK and CANCEL have it too
    uint32_t rseq;        // of the last reliable 1xx in that INVITE, either way
    uint32_t ack_cseq;    // of the kept ACK
    arena_ref kept[USAGE_SLOTS];
    uint32_t kept_length[USAGE_SLOTS];
    uint32_t dialog; // caller's: index of the dialog record, INDEX_NONE: none
    uint32_t dialog_generation;
    uint32_t invite; // caller's: transaction of the INVITE under way, INDEX_NONE: none
    uint32_t invite_generation;
    union {
        uint32_t next_free;
        uint32_t next_of_set; // ring
    };
};
static_assert(sizeof(struct usage) <= 128, "within 128 octets of a dialog in which we are an end");

struct usage_timers {
    tick_t t1, t2;
    tick_t early;     // longest time without a final response, since the last 1xx
    tick_t confirmed; // longest call
};

struct usages {
    struct usage *records;
    uint32_t capacity;
    uint32_t count;
    uint32_t free;
    struct arena *arena;
    struct wheel *wheel;
    struct usage_timers timers; // a reload may change them; running ones keep theirs
};

struct usage_octets {
    const void *octets;
    uint32_t length;
};

size_t usages_memory(uint32_t capacity); // octets, 64-octet aligned
// Capacity: at most 2^29 - 1. Takes WHEEL_CLASS_USAGE of the wheel. Timers: RFC 3261's, 3 minutes early, 24
// hours.
void usages_init(struct usages *set, void *memory, uint32_t capacity, struct arena *arena,
                 struct wheel *wheel);

// For an INVITE that is about to be sent (client: CALLING) or that came (server: INVITED), with its CSeq.
// INDEX_NONE when full.
uint32_t usage_create(struct usages *set, enum usage_role role, uint32_t cseq, tick_t now);
// Another dialog of the client's set `index`, for a response with another To-tag; cseq: of that response. In
// state PROCEEDING, or CANCELLED with its set: the event of the response is stepped next. INDEX_NONE when
// full, or the set is.
uint32_t usage_fork(struct usages *set, uint32_t index, uint32_t cseq, tick_t now);
// A confirmed call that was released when it waited for nothing, or was taken over from another process.
struct usage_numbers {
    enum usage_role role;
    uint32_t local_cseq;
    uint32_t remote_cseq;
    bool remote; // there is one
};
// In state CONFIRMED. life: when its longest duration is over. INDEX_NONE when full.
uint32_t usage_resume(struct usages *set, const struct usage_numbers *numbers, tick_t life);
// It is confirmed and nothing is under way: what it knows beyond struct usage_numbers are the times of the
// call's end and of the session, in `at`. Not when another dialog of its set lives.
bool usage_may_rest(const struct usages *set, uint32_t index);
static inline struct usage *usage_at(struct usages *set, uint32_t index)
{
    return &set->records[index];
}
// All usages of the set, `index` first. Returns their number, at most USAGES_OF_SET_MAX.
unsigned usage_set(const struct usages *set, uint32_t index, uint32_t *indexes);
// Applies the event: state, timers, offer. Returns the actions. Timer events that are not due, USAGE_EVENTS,
// and any event of a free record: nothing.
unsigned usage_step(struct usages *set, uint32_t index, enum usage_event event, tick_t now);
// The node of this usage expired: which event that is now. USAGE_EVENTS: none any more.
enum usage_event usage_expired(const struct usages *set, uint32_t index, tick_t now);
// Status for DO_REFUSE that this event caused (13.3.1.4, 15.1.2, RFC 3262 section 3).
unsigned usage_refusal(enum usage_event event);
// Keeps a copy of a reliable 1xx (after usage_send_reliable(), which gives its RSeq) or of a 2xx (before its
// ON_SEND_2XX, which may have to hold it), to be sent again. Returns 0, or -ENOSPC: the last one is gone
// then, and this one should not be sent (500 instead).
int usage_keep_1xx(struct usages *set, uint32_t index, struct usage_octets message);
int usage_keep_2xx(struct usages *set, uint32_t index, struct usage_octets message);
struct usage_octets usage_repeated(const struct usages *set, uint32_t index); // length 0: none
// Keeps a copy of our ACK to a 2xx with this CSeq, after ON_2XX or before ON_SEND_ACK. Returns 0, or -ENOSPC:
// a repeated 2xx gets one that is made anew. One that nobody will ask for is not kept.
int usage_keep_ack(struct usages *set, uint32_t index, uint32_t cseq, struct usage_octets message);
struct usage_octets usage_ack(const struct usages *set, uint32_t index, uint32_t cseq); // length 0: not kept
void usage_release(struct usages *set, uint32_t index);

// --- usage_request.c ---

enum usage_method { USAGE_INVITE, USAGE_UPDATE, USAGE_PRACK, USAGE_BYE, USAGE_OTHER_METHOD };

struct usage_request {
    uint32_t cseq;
    uint8_t method;   // enum usage_method
    bool description; // it has a session description
    uint32_t rack;    // PRACK: the two numbers of RAck
    uint32_t rack_cseq;
};

#define USAGE_RETRY_AFTER_NONE 255u

struct usage_verdict {
    uint16_t status;       // 0: it came in, answer it as its user likes (BYE: 200); else refuse it with this
    uint8_t retry_after_s; // for a Retry-After, or USAGE_RETRY_AFTER_NONE
    unsigned actions;      // enum usage_action bits, of the event that it was
};

// A request of the peer in the dialog, other than ACK and CANCEL; its repetitions were absorbed before. 481
// for a dialog that is over, 500 for a CSeq out of order (12.2.2), 491 and 500 for glare (14.2, RFC
// 3311 5.2), 481 for a PRACK of nothing (RFC 3262 section 3). random: 32 random bits.
struct usage_verdict usage_receive(struct usages *set, uint32_t index, const struct usage_request *request,
                                   uint32_t random, tick_t now);
// The ACK to our 2xx. Returns the actions; one of another INVITE does nothing.
unsigned usage_receive_ack(struct usages *set, uint32_t index, uint32_t cseq, tick_t now);
// What a response to our INVITE is here; status 0: there was none. USAGE_EVENTS: late, not looked at.
enum usage_event usage_invite_event(const struct usages *set, uint32_t index, unsigned status, uint32_t cseq);
// CSeq for our next request in the dialog, or 0: there is none left below 2^31 (8.1.1.5).
uint32_t usage_number(struct usages *set, uint32_t index);
// A description in a message of ours (sent) or of the peer's, except in requests: those are told to
// usage_receive(), usage_send_update() and, for our INVITE, here with OFFER_IN_INVITE after ON_SEND_INVITE or
// usage_create().
enum offer_verdict usage_description(struct usages *set, uint32_t index, enum offer_message message,
                                     bool sent);

// Our reliable 1xx (RFC 3262 section 3) is about to be sent; usage_keep_1xx() and ON_SEND_1XX follow. Returns
// its RSeq, or 0: not now, the last one has no PRACK yet or the INVITE its final response. To a re-INVITE it
// refreshes the remote target, as a 2xx does (RFC 6141 section 4).
uint32_t usage_send_reliable(struct usages *set, uint32_t index, bool description, uint32_t random,
                             tick_t now);
// The peer's reliable 1xx. True: it is the next in order, gets a PRACK, and refreshes the remote target (RFC
// 6141 4.4); false: drop it (RFC 3262 section 4).
bool usage_receive_reliable(struct usages *set, uint32_t index, uint32_t rseq, uint32_t cseq);

// An UPDATE of ours goes out, with or without an offer. False: not now (RFC 3311 5.1).
bool usage_send_update(struct usages *set, uint32_t index, bool description);
// Its final response came (sent), or the peer's got one from us: at once, or 504 when its user must be asked
// first (RFC 3311 5.2). An answer in it was told before. A 2xx refreshes the target, either way.
void usage_update_done(struct usages *set, uint32_t index, bool sent);

// Our re-INVITE or UPDATE met 491: DO_RETRY comes 2.1 to 4 s later at the Call-ID's owner, 0 to 2 s at the
// other end, in steps of 10 ms (14.1). random: 32 random bits.
void usage_back_off(struct usages *set, uint32_t index, uint32_t random, tick_t now);
// DO_RETRY at this time: Retry-After.
void usage_retry_at(struct usages *set, uint32_t index, tick_t deadline);
// A 2xx to an INVITE or UPDATE set the session timer; uac: that request was ours. interval_s 0 stops it.
void usage_session(struct usages *set, uint32_t index, struct session_terms terms, bool uac, tick_t now);

// --- between the files of usage ---

void usage_arm(struct usages *set, uint32_t index, enum usage_timer timer, tick_t deadline);
void usage_disarm(struct usages *set, uint32_t index, enum usage_timer timer);
void usage_begin_invite(struct usage *usage, uint32_t cseq);
void usage_drop(struct usages *set, struct usage *usage, enum usage_slot slot);
// Our first INVITE has no 2xx here.
static inline bool usage_is_early_client(const struct usage *usage)
{
    return (usage->state >= USAGE_CALLING && usage->state <= USAGE_CANCELLED) ||
           usage->state == USAGE_LEAVING_EARLY || usage->state == USAGE_LEFT_EARLY;
}
// RFC 3262 section 3: a description without its PRACK holds back the 2xx.
static inline bool usage_must_hold(const struct usage *usage)
{
    const unsigned held = USAGE_FLAG_UNACKED | USAGE_FLAG_UNACKED_BODY;
    return (usage->flags & held) == held;
}

#endif
