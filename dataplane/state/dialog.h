// SPDX-License-Identifier: BSD-3-Clause
// Dialogs as a front end sees them: both halves of RFC 3261 section 12 in one record. "Caller" is who sent
// the INVITE, "callee" who answered. A record is made in state None when the INVITE is sent on (it stands for
// the dialog set), gets the callee's tag from the first response that has one, and is copied for each further
// tag (forks). Every record is on the wheel as long as it lives: nothing stays for ever. All records of one
// Call-ID are found by the keyed hash of the Call-ID.
//
// The machine is a const table [state][event] -> next state and actions (dialog_fsm.c).
#ifndef DIALGATE_STATE_DIALOG_H
#define DIALGATE_STATE_DIALOG_H

#include "arena.h"
#include "siphash.h"
#include "table.h"
#include "transaction.h"
#include "wheel.h"

#define DIALOGS_OF_CALL_MAX 32u // records of one Call-ID

enum dialog_state { // 0 is a free record
    DIALOG_FREE,
    DIALOG_NONE,
    DIALOG_EARLY,
    DIALOG_CONFIRMED, // from the 2xx on (12.3); "ACK seen" is a flag
    DIALOG_TERMINATING,
    DIALOG_TERMINATED, // left at once: the caller releases
    DIALOG_STATES
};

enum dialog_event {
    DIALOG_ON_PROVISIONAL, // 101-199 with a To-tag
    DIALOG_ON_SUCCESS,     // 2xx to the INVITE, also without a 1xx before it; repeated ones too
    DIALOG_ON_REFUSED,     // 300-699 to the INVITE, or its timeout
    DIALOG_ON_ACK,
    DIALOG_ON_CANCEL,   // seen; the 487 or a crossing 2xx decides
    DIALOG_ON_BYE,      // from either side
    DIALOG_ON_BYE_DONE, // final response to a BYE that ends the dialog: 2xx, 408, 481 and others (RFC 5057)
    DIALOG_ON_BYE_CHALLENGED, // 401 or 407: the BYE comes again with credentials
    DIALOG_ON_TIMEOUT,        // the record's own timer: lifetime of the state
    DIALOG_ON_OPERATOR_END,   // `dialog end`, or the end of the lifetime with BYE
    DIALOG_ON_GONE,           // 481 or 408 to any other in-dialog request (RFC 5057: the dialog is dead)
    DIALOG_EVENTS
};

enum dialog_action {
    DIALOG_DO_CONFIRM = 1,       // newly confirmed: count it, arm its lifetime
    DIALOG_DO_END_CONFIRMED = 2, // newly ended after it was confirmed
    DIALOG_DO_END_EARLY = 4,     // newly ended before
    DIALOG_DO_RELEASE = 8,       // Terminated: the caller releases the record
    DIALOG_DO_BYE_BOTH = 16, // send BYE to caller and callee (after DO_CANCEL: the caller got its 480, the
                             // callee needs ACK and BYE)
    DIALOG_DO_CANCEL = 32,   // CANCEL to the callee, 480 to the caller
    DIALOG_DO_EARLY = 64     // newly early
};

// What Terminating does next depends on how it was reached: three rows of the machine are one state.
enum dialog_row {
    DIALOG_ROW_FREE,
    DIALOG_ROW_NONE,
    DIALOG_ROW_EARLY,
    DIALOG_ROW_CONFIRMED,
    DIALOG_ROW_TERMINATING,           // it was confirmed
    DIALOG_ROW_TERMINATING_EARLY,     // the caller sent BYE before a 2xx
    DIALOG_ROW_TERMINATING_CANCELLED, // the operator ended it before a 2xx
    DIALOG_ROW_TERMINATED,
    DIALOG_ROWS
};

struct dialog_cell {
    uint8_t next;    // enum dialog_row; DIALOG_ROW_FREE: nothing happens
    uint8_t actions; // enum dialog_action bits
};
extern const struct dialog_cell dialog_fsm[DIALOG_ROWS][DIALOG_EVENTS];
extern const uint8_t dialog_state_of[DIALOG_ROWS]; // enum dialog_state

#define DIALOG_FLAG_ACKED     1u // the ACK to the 2xx was seen; DIALOG_ON_ACK sets it too
#define DIALOG_FLAG_CANCELLED 2u // a CANCEL was seen; DIALOG_ON_CANCEL sets it too
#define DIALOG_FLAG_CALLEE_ROUTES                                                                            \
    4u // the callee's route set is fixed (12.1.2: by the response that made the dialog)

enum dialog_side { DIALOG_CALLER, DIALOG_CALLEE };

// Texts of a dialog, in its one block of the arena.
enum dialog_text {
    DIALOG_TEXT_CALL_ID,
    DIALOG_TEXT_CALLER_FROM, // From value of the INVITE without its tag parameter
    DIALOG_TEXT_CALLEE_TO,   // To value of the INVITE, without tag
    DIALOG_TEXT_CALLER_TAG,
    DIALOG_TEXT_CALLEE_TAG,    // empty in state None
    DIALOG_TEXT_CALLER_TARGET, // last Contact URI of the caller
    DIALOG_TEXT_CALLEE_TARGET,
    DIALOG_TEXT_CALLER_ROUTES, // Route values from us towards the caller, comma-joined, in the order in which
                               // a request to the caller lists them: the INVITE's Record-Routes below ours
    DIALOG_TEXT_CALLEE_ROUTES, // likewise towards the callee: the response's Record-Routes above ours,
                               // reversed
    DIALOG_TEXT_COUNT
};

struct dialog {
    struct wheel_node timer;
    uint64_t call_hash;
    uint32_t caller_tag_hash; // low 32 bits of SipHash-1-3
    uint32_t callee_tag_hash; // 0: no tag yet
    uint32_t generation;
    uint8_t state;        // enum dialog_state
    uint8_t row;          // enum dialog_row
    uint8_t flags;        // caller's: DIALOG_FLAG_*
    uint16_t caller_peer; // permanent numbers, caller's
    uint16_t callee_peer;
    uint16_t callee_member;
    uint32_t cseq[2];          // highest seen, by enum dialog_side: who sent it
    struct endpoint learnt[2]; // caller's: where each side's messages come from, and our listener towards it
    tick_t created;
    tick_t changed; // of state
    arena_ref text;
    uint32_t invite; // caller's: server transaction of the INVITE while it lives, INDEX_NONE
    uint32_t invite_generation;
    union {
        uint32_t next_free; // slab
        tick_t life_end;    // from Confirmed on: end of its lifetime, which a challenged BYE returns to
    };
};
static_assert(offsetof(struct dialog, cseq) == 48, "what lookup, step and timers touch");
static_assert(sizeof(struct dialog) == 96, "beside 8 octets of table and the texts: within 250 of a dialog");

struct dialog_life {
    tick_t none;        // state None
    tick_t early;       // since the last 1xx
    tick_t confirmed;   // since the 2xx; then BYE to both sides
    tick_t terminating; // a BYE or a CANCEL that nobody answers
};

struct dialogs {
    struct dialog *records;
    uint32_t capacity;
    uint32_t count;
    uint32_t by_state[DIALOG_STATES];
    uint32_t free;
    struct table table;
    struct arena *arena;
    struct wheel *wheel;
    struct siphash_key key;
    struct dialog_life life;
};

struct dialog_string {
    const void *octets;
    uint32_t length;
};

size_t dialogs_memory(uint32_t capacity); // octets, 64-octet aligned
// Capacity: at most 2^30 - 1. The caller sets set->key and, when the defaults do not suit, set->life. Takes
// WHEEL_CLASS_DIALOG.
void dialogs_init(struct dialogs *set, void *memory, uint32_t capacity, struct arena *arena,
                  struct wheel *wheel);

// A record in state None. texts: DIALOG_TEXT_COUNT of them; they are copied. INDEX_NONE when there is no
// record or no room for the text (a text has at most 65,535 octets), or when the Call-ID holds
// DIALOGS_OF_CALL_MAX already.
uint32_t dialog_create(struct dialogs *set, uint64_t call_hash, const struct dialog_string *texts,
                       tick_t now);
// A copy of a record for another tag of the callee (fork, 12.1.2), in state None, without what the callee's
// first response said: its tag, target, routes and CSeq are empty. INDEX_NONE as above.
uint32_t dialog_fork(struct dialogs *set, uint32_t index, tick_t now);
static inline struct dialog *dialog_at(struct dialogs *set, uint32_t index)
{
    return &set->records[index];
}
struct dialog_string dialog_text(const struct dialogs *set, uint32_t index, enum dialog_text which);
// Replaces texts (NULL octets: stays). Returns 0, or -ENOSPC and nothing changed. Tags' hashes follow.
int dialog_text_set(struct dialogs *set, uint32_t index, const struct dialog_string *texts);

// Finds by Call-ID and both tags as a request or response shows them. from and to are the message's From- and
// To-tag; *side tells who sent the request (DIALOG_CALLER: from is the caller's). to.length 0 finds the
// record without a callee's tag or else any of the set. Compared whole, never by hash alone. INDEX_NONE:
// unknown.
struct dialog_id {
    uint64_t call_hash;
    struct dialog_string call_id;
    struct dialog_string from_tag;
    struct dialog_string to_tag;
};
uint32_t dialog_find(const struct dialogs *set, const struct dialog_id *id, enum dialog_side *side);
// All records of a Call-ID, at most max. Returns their number.
unsigned dialog_find_call(const struct dialogs *set, uint64_t call_hash, struct dialog_string call_id,
                          uint32_t *indexes, unsigned max);

// Applies the event: state, counts, timer (by life). Returns the actions. ON_TIMEOUT is for handles that the
// wheel gave back; it does nothing when something earlier in this turn armed or released the record.
unsigned dialog_step(struct dialogs *set, uint32_t index, enum dialog_event event, tick_t now);
void dialog_release(struct dialogs *set, uint32_t index);

#endif
