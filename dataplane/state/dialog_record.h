// SPDX-License-Identifier: BSD-3-Clause
// What a dialog is in memory and in the worker's file: a record of one cache line (hot), a block of the arena
// (cold), and the journal. dialog.c alone writes them; image.c reads those of an earlier process.
//
// At every instruction the file holds a whole version of each record that was committed once, for whoever
// reads it after a kill. Hence the rules:
//   - a cold block never changes: what changes in it is a new block, and one word of the record that names
//   it;
//   - what lies in the group of the record (struct dialog) changes together with the check, by one store of
//     one instruction: a kill comes before or after it;
//   - before another committed field changes, the record is copied to the journal, the one place for the one
//     record that is being changed; afterwards its check is made anew and the journal closed;
//   - stores stay in program order (the processor keeps it; atomic_signal_fence() holds the compiler to it).
// Where the processor is not known to have such a store (x86-64 with SSE4.2 has, which is what DPDK asks for
// there), the group changes by way of the journal too.
#ifndef DIALGATE_STATE_DIALOG_RECORD_H
#define DIALGATE_STATE_DIALOG_RECORD_H

#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif
#include "arena.h"
#include "check.h"
#include "text.h"
#include "wheel.h"

enum dialog_state { // 0 is a free record
    DIALOG_FREE,
    DIALOG_NONE,
    DIALOG_EARLY,
    DIALOG_CONFIRMED, // from the 2xx on (12.3); "ACK seen" is a flag
    DIALOG_TERMINATING,
    DIALOG_TERMINATED, // left at once: the caller releases
    DIALOG_STATES
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
    DIALOG_ROW_TERMINATING_UNACKED,   // ended between the 2xx and its ACK: our BYE waits for that
    DIALOG_ROW_TERMINATED,
    DIALOG_ROWS
};

#define DIALOG_FLAG_ACKED     1u // the ACK to the 2xx was seen
#define DIALOG_FLAG_CANCELLED 2u // a CANCEL was seen
#define DIALOG_FLAG_SESSION   4u // the cold part has a session timer
#define DIALOG_FLAG_BOUNDED   8u // early, and its end was set: a 1xx does not prolong it
#define DIALOG_FLAG_COUNTED                                                                                  \
    16u // of the records of one INVITE the one that stands for the call where calls are counted

#define DIALOG_FLAG_SHIFTED 32u // the cold part has watermarks of CSeq (dialog_cseq.c)
#define DIALOG_FLAG_RESUMED 64u // its BYE was challenged: it had ended, and goes on

// Since the last time that it was asked whether the dialog still lives.
#define DIALOG_HEARD(side) (1u << (side)) // a message of this side came
#define DIALOG_ASKED(side) (4u << (side)) // an OPTIONS of ours to this side waits for its answer
// Since the process began.
#define DIALOG_REFERRED(side) (16u << (side)) // a REFER of the other side went to this one

#define DIALOG_NUMBER_NONE 0xffffu // no peer, no member

enum dialog_side { DIALOG_CALLER, DIALOG_CALLEE };

enum dialog_text {
    DIALOG_TEXT_CALL_ID,
    DIALOG_TEXT_CALLER_TAG,
    DIALOG_TEXT_CALLEE_TAG,    // empty in state None
    DIALOG_TEXT_CALLER_FROM,   // From value of the INVITE without its tag parameter
    DIALOG_TEXT_CALLEE_TO,     // To value of the INVITE, without tag
    DIALOG_TEXT_CALLER_TARGET, // last Contact URI of the caller
    DIALOG_TEXT_CALLEE_TARGET,
    DIALOG_TEXT_CALLER_ROUTES, // Route values from us towards the caller, comma-joined, in the order in which
                               // a request to the caller lists them: the INVITE's Record-Routes below ours
    DIALOG_TEXT_CALLEE_ROUTES, // likewise towards the callee: the response's Record-Routes above ours,
                               // reversed
    DIALOG_TEXT_COUNT
};
static_assert(DIALOG_TEXT_COUNT <= TEXT_COUNT_MAX, "one packing");

// The record. The first 24 octets die with the process; the check covers the rest but itself. Whatever an
// event can change, but for a CSeq, lies with the check in one group that leaves in one store.
struct dialog {
    struct wheel_node timer;
    union {
        uint32_t invite;    // caller's: server transaction of the INVITE while it lives, INDEX_NONE
        uint32_t next_free; // slab
    };
    uint16_t invite_generation; // caller's: low bits
    uint8_t image;              // 0: cold names a block of our arena; n: record `cold` of image n - 1
    uint8_t heard;              // caller's: DIALOG_HEARD_*
    uint32_t generation;
    uint64_t call_hash;
    uint32_t cseq[2];         // highest seen, by enum dialog_side: who sent it
    uint16_t caller_tag_hash; // low bits of SipHash-1-3, but 1 for 0; of no tag: 0
    uint16_t caller_peer;     // permanent numbers, or DIALOG_NUMBER_NONE
    uint16_t callee_peer;
    uint16_t callee_member;
    tick_t since;   // when None, Early or Confirmed began; Terminating keeps it
    uint32_t check; // 0: not committed
    arena_ref cold;
    uint16_t callee_tag_hash;
    uint8_t row;   // enum dialog_row
    uint8_t flags; // DIALOG_FLAG_*
};
static_assert(offsetof(struct dialog, call_hash) == 24, "what is committed");
static_assert(offsetof(struct dialog, since) == 48 && offsetof(struct dialog, check) == 52 &&
                  offsetof(struct dialog, cold) == 56,
              "the group and its two words");
static_assert(sizeof(struct dialog) == 64,
              "one cache line; with 8 of table and a cold block of at most 160: 232");

// dialog_cold.ring: milliseconds after the INVITE that begin at DIALOG_RING_FINE, as far as they fit, and
// ticks below it, which is what files of older releases have throughout.
#define DIALOG_RING_NONE 0xffffu
#define DIALOG_RING_FINE 0x8000u

// Numbers of one side from here on are higher by so much at the other end (dialog_cseq.c).
struct dialog_shift {
    uint32_t from;
    uint32_t by;
};
#define DIALOG_SHIFTS_MAX 8u // of one side

// Where a side's messages come from, as it is kept: most are IPv4, and a dialog costs them nothing for those
// that are not.
struct dialog_learnt {
    uint32_t address;  // IPv4 in host order, 0: none is known
    uint16_t port;     // host order
    uint16_t listener; // with DIALOG_LEARNT_WIDE: the address is IPv6 and stands at the end of the block
};
#define DIALOG_LEARNT_WIDE        0x8000u // unless all bits are set: IPv4, and no listener
#define DIALOG_LEARNT_NO_LISTENER 0x7ffeu // beside it: IPv6, and no listener

// Head of a cold block; the packed texts follow, then the shifts of the caller's numbers and of the callee's,
// then the IPv6 addresses of caller and callee, where they have one.
struct dialog_cold {
    uint32_t check;  // over the block behind it
    uint16_t length; // octets of packed text
    uint16_t ring;   // from the INVITE to the first 101-199, DIALOG_RING_NONE: there was none, or not noted
    tick_t created;
    tick_t session_end;             // when session_s is not 0
    uint16_t session_s;             // Session-Expires of RFC 4028 in seconds, cut at 65,535; 0: none
    uint8_t fine;                   // dialog_fine()
    uint8_t shifts;                 // how many: caller's in the low half, callee's in the high one
    struct dialog_learnt learnt[2]; // where each side's messages come from, and our listener towards it
};
static_assert(sizeof(struct dialog_cold) == 36, "the typical call's block: 160 with its texts");

// The one record that is being changed, as it was. In the mapped file, before the records.
struct dialog_journal {
    uint32_t index; // INDEX_NONE: none is being changed
    // The last record taken over from an older image, until that image no longer has it.
    uint32_t taken;       // index here, INDEX_NONE: none
    uint32_t taken_from;  // index there
    uint32_t taken_image; // epoch there << 8 | worker there
    uint8_t reserved[48];
    struct dialog record;
};
static_assert(sizeof(struct dialog_journal) == 128, "two cache lines");

// Never 0. Over what is committed of a record, with these two words in the group: since (without the check
// above it) and all that follows the check. What an event changes comes last, so that the rest is ready by
// then.
static inline uint32_t dialog_check(const struct dialog *record, uint32_t since, uint64_t rest)
{
    const uint8_t *fixed = (const uint8_t *)&record->call_hash;
    static_assert(offsetof(struct dialog, since) - offsetof(struct dialog, call_hash) == 24, "three words");
#ifdef __SSE4_2__
    uint64_t check = _mm_crc32_u64(UINT32_MAX, check_word(fixed));
    check = _mm_crc32_u64(check, check_word(fixed + 8));
    check = _mm_crc32_u64(check, check_word(fixed + 16));
    check = _mm_crc32_u32((uint32_t)check, since);
    check = _mm_crc32_u64(check, rest);
    return check != 0 ? (uint32_t)check : 1;
#else
    const uint64_t words[] = {check_word(fixed), check_word(fixed + 8), check_word(fixed + 16), since, rest};
    return check_octets(words, sizeof(words));
#endif
}
static inline uint32_t dialog_record_check(const struct dialog *record)
{
    return dialog_check(record, record->since, check_word((const uint8_t *)&record->cold));
}
// Who refreshes the session (0 without one), and the milliseconds beyond their ticks when the INVITE came and
// when it was answered.
static inline uint8_t dialog_fine(unsigned refresher, unsigned created_ms, unsigned answer_ms)
{
    static_assert((1 | (9 + TICK_MS * 9) << 1) <= UINT8_MAX, "an octet");
    return (uint8_t)(refresher | (created_ms + TICK_MS * answer_ms) << 1);
}
static inline enum dialog_side dialog_refresher(const struct dialog_cold *cold)
{
    return (enum dialog_side)(cold->fine & 1u);
}
static inline unsigned dialog_created_ms(const struct dialog_cold *cold)
{
    return (cold->fine >> 1) % TICK_MS;
}
static inline unsigned dialog_answer_ms(const struct dialog_cold *cold)
{
    return (cold->fine >> 1) / TICK_MS % TICK_MS;
}
static inline unsigned dialog_shift_count(const struct dialog_cold *cold, enum dialog_side side)
{
    return side == DIALOG_CALLER ? cold->shifts & 15u : cold->shifts >> 4;
}
static inline uint32_t dialog_shift_octets(const struct dialog_cold *cold)
{
    return (dialog_shift_count(cold, DIALOG_CALLER) + dialog_shift_count(cold, DIALOG_CALLEE)) *
           (uint32_t)sizeof(struct dialog_shift);
}
static inline bool dialog_learnt_is_wide(const struct dialog_cold *cold, enum dialog_side side)
{
    uint16_t listener = cold->learnt[side].listener;
    return (listener & DIALOG_LEARNT_WIDE) && listener != UINT16_MAX;
}
static inline uint32_t dialog_wide_octets(const struct dialog_cold *cold)
{
    return ((uint32_t)dialog_learnt_is_wide(cold, DIALOG_CALLER) +
            (uint32_t)dialog_learnt_is_wide(cold, DIALOG_CALLEE)) *
           (uint32_t)sizeof(struct ip_address);
}
// All that follows the head; the caller knows that the block is whole.
static inline uint32_t dialog_cold_octets(const struct dialog_cold *cold)
{
    return cold->length + dialog_shift_octets(cold) + dialog_wide_octets(cold);
}
// Where this side's messages come from; its address may be unset.
static inline struct endpoint dialog_learnt(const struct dialog_cold *cold, enum dialog_side side)
{
    const struct dialog_learnt *kept = &cold->learnt[side];
    struct endpoint learnt = {.port = kept->port, .listener = kept->listener};
    if (dialog_learnt_is_wide(cold, side)) {
        const uint8_t *end = (const uint8_t *)(cold + 1) + dialog_cold_octets(cold);
        bool other_behind = side == DIALOG_CALLER && dialog_learnt_is_wide(cold, DIALOG_CALLEE);
        memcpy(&learnt.address, end - (other_behind ? 2 : 1) * sizeof(learnt.address),
               sizeof(learnt.address));
        learnt.listener &= (uint16_t)~DIALOG_LEARNT_WIDE;
        if (learnt.listener == DIALOG_LEARNT_NO_LISTENER)
            learnt.listener = UINT16_MAX;
    } else if (kept->address != 0) {
        learnt.address = ip_from_ipv4(kept->address);
    }
    return learnt;
}

// Never 0. Over a cold block behind its check; the caller knows that it is whole.
static inline uint32_t dialog_cold_check(const struct dialog_cold *cold)
{
    return check_octets(&cold->length,
                        sizeof(*cold) - offsetof(struct dialog_cold, length) + dialog_cold_octets(cold));
}

#endif
