// SPDX-License-Identifier: BSD-3-Clause
// Dialogs as a front end sees them: both halves of RFC 3261 section 12 in one record. "Caller" is who sent
// the INVITE, "callee" who answered. A record is made in state None when the INVITE is sent on (it stands for
// the dialog set), gets the callee's tag from the first response that has one, and is copied for each further
// tag (forks). Every record is on the wheel as long as it lives: nothing stays for ever. All records of one
// Call-ID are found by the keyed hash of the Call-ID; those of a spiral differ in nothing but their peers.
//
// A record is one cache line, hot, and one block of the arena, cold (what requests are built from, packed):
// dialog_record.h. Both lie in the worker's mapped file and outlive the process: image.h.
//
// The machine is a const table [row][event] -> next row and actions (dialog_fsm.c).
#ifndef DIALGATE_STATE_DIALOG_H
#define DIALGATE_STATE_DIALOG_H

#include "dialog_record.h"
#include "image.h"
#include "siphash.h"
#include "table.h"
#include "transaction.h"

#define DIALOGS_OF_CALL_MAX 32u // records of one Call-ID

enum dialog_event {
    DIALOG_ON_PROVISIONAL, // 101-199 with a To-tag
    DIALOG_ON_SUCCESS,     // 2xx to the INVITE, also without a 1xx before it; repeated ones too
    DIALOG_ON_REFUSED,     // 300-699 to the INVITE, or its timeout
    DIALOG_ON_ACK,
    DIALOG_ON_CANCEL,   // seen; the 487 or a crossing 2xx decides
    DIALOG_ON_BYE,      // from either side
    DIALOG_ON_BYE_DONE, // final response to a BYE that ends the dialog: 2xx, 408, 481 and others (RFC 5057)
    DIALOG_ON_BYE_CHALLENGED, // 401 or 407: the BYE comes again with credentials
    DIALOG_ON_TIMEOUT,        // lifetime of the state
    DIALOG_ON_OPERATOR_END,   // `dialog end`, or the end of the session with BYE
    DIALOG_ON_END_UNACKED,    // `dialog end` between the 2xx and its ACK
    DIALOG_ON_GONE,           // 481 or 408 to any other in-dialog request (RFC 5057: the dialog is dead)
    DIALOG_ON_NO_ACK,      // Confirmed, and 64*T1 later no ACK was seen: the callee has given up (13.3.1.4)
    DIALOG_ON_SESSION_END, // RFC 4028 section 8.3: the session expired without a refresh
    DIALOG_ON_DEAD,        // an OPTIONS of ours was answered 481 or 408, or not at all
    DIALOG_ON_KEEPALIVE,   // it is time to see who was heard; changes nothing but the timer
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

struct dialog_cell {
    uint8_t next;    // enum dialog_row; DIALOG_ROW_FREE: nothing happens
    uint8_t actions; // enum dialog_action bits
};
extern const struct dialog_cell dialog_fsm[DIALOG_ROWS][DIALOG_EVENTS];
extern const uint8_t dialog_state_of[DIALOG_ROWS]; // enum dialog_state

struct dialog_life {
    tick_t none;        // state None
    tick_t early;       // since the INVITE, however often it rings
    tick_t confirmed;   // since the 2xx; then BYE to both sides
    tick_t no_ack;      // since the 2xx, while no ACK was seen
    tick_t terminating; // a BYE or a CANCEL that nobody answers; an ACK that does not come
    tick_t keepalive;   // between two looks at who was heard; 0: never
};

// One transition, for whoever watches. Written by the worker, read by one other thread.
struct dialog_transition {
    uint64_t call_hash;
    uint32_t index;
    uint32_t generation;
    tick_t at;
    uint8_t from; // enum dialog_state
    uint8_t to;
    uint8_t
        reason; // enum dialog_event; DIALOG_EVENTS: created, taken over from an image, or dropped without one
    uint8_t reserved;
    uint16_t caller_peer;
    uint16_t callee_peer;
    uint16_t callee_member;
    uint16_t reserved2;
};
static_assert(sizeof(struct dialog_transition) == 32, "layout");

#define DIALOG_TRANSITIONS 1024u // a power of two
struct dialog_transitions {      // zeroed memory is an empty ring
    uint32_t head;               // next to be written: the worker writes, the reader reads
    uint64_t lost;               // transitions that found the ring full: the worker writes, the reader reads
    _Alignas(64) uint32_t tail;  // next to be read: the reader writes, the worker reads
    _Alignas(64) struct dialog_transition ring[DIALOG_TRANSITIONS];
};

#define DIALOG_IMAGES_MAX 128u // older files that dialogs are taken over from

struct dialogs {
    struct dialog *records; // in the mapped file
    struct dialog_journal *journal;
    uint32_t capacity;
    uint32_t count;
    uint32_t by_state[DIALOG_STATES];
    uint32_t free;             // released records
    uint32_t unused;           // records from here on were never used
    uint32_t first_generation; // of a record that was never used: a handle of another process names none
    struct table table;
    struct intern intern;
    struct arena *arena;
    struct wheel *wheel;
    struct siphash_key key;
    struct dialog_life life;
    struct dialog_transitions *transitions;  // NULL: nobody watches
    struct image *images[DIALOG_IMAGES_MAX]; // NULL: none, or all of it was taken over
    uint32_t images_left;                    // records whose cold part still lies in an image
    // A cold block that is being made.
    uint8_t block[sizeof(struct dialog_cold) + TEXT_PACKED_MAX +
                  2 * DIALOG_SHIFTS_MAX * sizeof(struct dialog_shift) + 2 * sizeof(struct ip_address)];
    uint8_t texts[TEXT_LENGTH_MAX]; // what it is made of
};

// Where a set lies. Octets are 64-octet aligned.
struct dialogs_place {
    void *file;        // dialogs_file_memory() octets of the mapped file, zeroed
    void *private;     // dialogs_private_memory() octets that die with the process
    uint32_t capacity; // at most 2^29 - 1
    struct siphash_key key;
};
size_t dialogs_file_memory(uint32_t capacity);
size_t dialogs_private_memory(uint32_t capacity);
// The caller sets set->life when the defaults do not suit. Takes WHEEL_CLASS_DIALOG.
void dialogs_init(struct dialogs *set, const struct dialogs_place *place, struct arena *arena,
                  struct wheel *wheel);

// What an INVITE that was sent on says. The texts are copied.
struct dialog_birth {
    uint64_t call_hash;
    const struct dialog_string *texts; // DIALOG_TEXT_COUNT of them
    uint16_t caller_peer;
    uint16_t callee_peer, callee_member;
    uint32_t cseq; // the caller's
    bool counted;  // it stands for the call: DIALOG_FLAG_COUNTED
    uint8_t ms;    // beyond the tick of now
    struct endpoint learnt[2];
    uint32_t invite; // its server transaction
    uint32_t invite_generation;
};
// A record in state None. INDEX_NONE when there is no record, no room for the texts, or more text than
// TEXT_LENGTH_MAX, and when the Call-ID holds DIALOGS_OF_CALL_MAX already.
uint32_t dialog_create(struct dialogs *set, const struct dialog_birth *birth, tick_t now);
// A copy of a record for another tag of the callee (fork, 12.1.2), in state None, without what the callee's
// first response said: its tag, target, routes and CSeq are empty. INDEX_NONE as above.
uint32_t dialog_fork(struct dialogs *set, uint32_t index, tick_t now);
static inline const struct dialog *dialog_at(const struct dialogs *set, uint32_t index)
{
    return &set->records[index];
}
static inline enum dialog_state dialog_state(const struct dialogs *set, uint32_t index)
{
    return (enum dialog_state)dialog_state_of[set->records[index].row];
}
// The cold head, valid until the record changes.
const struct dialog_cold *dialog_cold(const struct dialogs *set, uint32_t index);
// Restores a text. Returns its length; nothing is written when that is more than room.
uint32_t dialog_text(const struct dialogs *set, uint32_t index, enum dialog_text which, void *out,
                     uint32_t room);
bool dialog_text_is(const struct dialogs *set, uint32_t index, enum dialog_text which,
                    struct dialog_string wanted);
// Whether each of the first count texts is the one wanted, in one walk; one with octets NULL may be any.
bool dialog_texts_are(const struct dialogs *set, uint32_t index, unsigned count,
                      const struct dialog_string *wanted);
// The INVITE's transaction while it lives; not committed.
void dialog_invite_set(struct dialogs *set, uint32_t index, uint32_t invite, uint32_t generation);

// What a message inside the dialog showed. Committed when anything is new.
struct dialog_seen {
    enum dialog_side side;
    uint32_t cseq;          // 0: none; only a higher one counts
    struct endpoint source; // without an address: stays
};
void dialog_see(struct dialogs *set, uint32_t index, const struct dialog_seen *seen);
// The callee's side is another member of its peer now.
void dialog_member_set(struct dialogs *set, uint32_t index, uint16_t member);
// Changes of the cold part in one commit; what is as it was asks the arena for nothing. Returns 0, or -ENOSPC
// and nothing changed.
struct dialog_change {
    const struct dialog_string *texts; // DIALOG_TEXT_COUNT of them, NULL octets: stays; or NULL: all stay.
                                       // Call-ID and caller's tag never change: records are found by them
    // Not answered yet: texts stay as they come, since they will change.
    bool early;
    // With texts: they are packed, also when they are the known ones.
    bool settles;
    bool rings;                // it becomes early: when is noted
    bool answered;             // it is confirmed: when is noted, which is the state's own time, and its ring
    tick_t now;                // for these two
    uint8_t now_ms;            // beyond the tick
    bool session;              // the three below are to be taken over
    uint16_t session_s;        // 0: there is none (any more)
    uint8_t session_refresher; // enum dialog_side
    tick_t session_end;
};
int dialog_change(struct dialogs *set, uint32_t index, const struct dialog_change *change);

// dialog_cseq.c: numbers of this side as the other end sees them, and back again (RFC 3261 12.2.1.1). They
// differ once requests of ours have been put in, which go under the name of a side.
uint32_t dialog_cseq_out(const struct dialogs *set, uint32_t index, enum dialog_side side, uint32_t number);
uint32_t dialog_cseq_back(const struct dialogs *set, uint32_t index, enum dialog_side side, uint32_t number);
// The number that a request of ours in the name of this side has at the other end.
uint32_t dialog_cseq_next(const struct dialogs *set, uint32_t index, enum dialog_side side);
// It is used. Returns 0; -ENOSPC or -ERANGE (8.1.1.5), when nothing changed and it may not be sent. Not
// needed for the last request of a dialog.
int dialog_cseq_take(struct dialogs *set, uint32_t index, enum dialog_side side);

// Finds by Call-ID and both tags as a request or response shows them. from and to are the message's From- and
// To-tag; *side tells who sent the request (DIALOG_CALLER: from is the caller's). to.length 0 finds the
// record without a callee's tag or else any of the set. Compared whole, never by hash alone. INDEX_NONE:
// unknown.
struct dialog_id {
    uint64_t call_hash;
    struct dialog_string call_id;
    struct dialog_string from_tag;
    struct dialog_string to_tag;
    bool has_hint;            // our cookie: looked at first, and compared like any other
    uint16_t hint_generation; // low bits
    uint32_t hint;            // index
    uint16_t peer; // the sender's: of several records with these tags (a spiral) the one where the sender
                   // stands on this side is preferred; DIALOG_NUMBER_NONE: any
    bool response; // the message is one: its sender is not From's side
};
uint32_t dialog_find(const struct dialogs *set, const struct dialog_id *id, enum dialog_side *side);
// All records of a Call-ID, at most max. Returns their number. call_id.octets NULL: by the hash alone, the
// caller knows the records by something else.
unsigned dialog_find_call(const struct dialogs *set, uint64_t call_hash, struct dialog_string call_id,
                          uint32_t *indexes, unsigned max);
// Brings what dialog_find() will touch for these hashes nearer, in stages; n at most TABLE_BULK_MAX. The
// first lines may be asked for before, of each hash by itself.
void dialogs_prefetch_begin(const struct dialogs *set, uint64_t call_hash);
void dialogs_prefetch(const struct dialogs *set, const uint64_t *call_hashes, unsigned n);

// Applies the event: state, counts, timer (by life and session). Returns the actions. A handle that the wheel
// gave back goes through dialog_expired(), which tells the event: DIALOG_ON_TIMEOUT, DIALOG_ON_NO_ACK,
// DIALOG_ON_SESSION_END, DIALOG_ON_KEEPALIVE, or DIALOG_EVENTS when something earlier in this turn armed or
// released the record.
enum dialog_event dialog_expired(struct dialogs *set, uint32_t index, tick_t now);
unsigned dialog_step(struct dialogs *set, uint32_t index, enum dialog_event event, tick_t now);
// When the present state began. Of Terminating it is what its timer says.
tick_t dialog_state_since(const struct dialogs *set, uint32_t index);
// Moves the end of an early dialog nearer (13.2.2.4).
void dialog_end_at(struct dialogs *set, uint32_t index, tick_t deadline);
// A message of this side came (DIALOG_HEARD), or an OPTIONS to it is out (DIALOG_ASKED); not committed.
static inline void dialog_heard_set(struct dialogs *set, uint32_t index, unsigned heard)
{
    set->records[index].heard = (uint8_t)heard;
}
void dialog_release(struct dialogs *set, uint32_t index);
// A record that stands for its call is about to end: another living one of the same INVITE (a fork) that can
// stand for it from then on; of one that was answered, another one that was. INDEX_NONE: the call ends.
uint32_t dialog_count_heir(const struct dialogs *set, uint32_t index);
void dialog_count_pass(struct dialogs *set, uint32_t from, uint32_t to);
// This one was answered: it stands for the call from here on, unless the one that does was answered as well.
// Returns that other one; INDEX_NONE: nothing changed.
uint32_t dialog_count_take(struct dialogs *set, uint32_t index);
// A 2xx of this one crosses what ends it before it was answered: it stands for the call from here on, unless
// one does that was answered. Returns who did; INDEX_NONE: nothing changed.
uint32_t dialog_count_claim(struct dialogs *set, uint32_t index);
// Milliseconds from the INVITE to the first 101-199 with a tag, UINT32_MAX: there was none. In steps of 10
// when it was not noted, and beyond 32 s.
uint32_t dialog_ring_ms(const struct dialogs *set, uint32_t index);

// Taking over (adopt.h). A record from images[image], uncommitted, cold part still there; the caller has
// checked both. INDEX_NONE: table or records are full. Every one ends when it would have; those in None and
// Early have no transaction any more.
uint32_t dialog_adopt(struct dialogs *set, unsigned image, uint32_t record, tick_t now);
// Fetches the cold part and commits; nothing happens when it is ours already. dialog.c calls it before a
// change. Returns 0, or -ENOSPC: the image keeps the record, changes of it here are not committed, and it is
// tried again.
int dialog_thaw(struct dialogs *set, uint32_t index);

#endif
