// SPDX-License-Identifier: BSD-3-Clause
// Inside the crowd: crowd.c has the calls and when something begins, crowd_send.c what is sent and what has
// to come of it, crowd_take.c what comes.
#ifndef DIALGATE_PERF_CROWD_CORE_H
#define DIALGATE_PERF_CROWD_CORE_H

#include "crowd.h"
#include "look.h"

enum fate { FATE_ANSWERED, FATE_CANCELLED, FATE_REFUSED, FATE_RINGING, FATE_OPTIONS };

// Copies of what was sent to a side, for the calls of which each octet is compared.
struct kept {
    char *texts[2][KINDS];
    uint32_t lengths[2][KINDS];
};

struct call {
    struct script script; // number 0: free
    char *echo;           // of the INVITE that is open
    struct kept *kept;    // NULL: of this one nothing is compared
    uint32_t echo_length;
    uint32_t cseq[2];
    uint8_t credits[2][KINDS];
    uint8_t fate;   // enum fate
    uint8_t inside; // enum inside_method of the request that is open
    bool confirmed, over;
};
static_assert(sizeof(struct call) <= 96, "ten million of them");

struct event {
    struct rte_mbuf *mbuf;
    uint64_t number, due_us; // of what is about to be sent: its place in the order instead
    uint32_t slot, party;
    uint8_t side;
    bool again; // goes with the one before
};

// A queue that grows.
struct line {
    struct event *events;
    uint32_t first, count, size; // size: a power of two
};

struct crowd {
    struct crowd_options options;
    struct crowd_count count;
    enum crowd_phase phase;
    struct call *calls;
    uint32_t *free, free_count, capacity;
    uint32_t *talkers, talker_count;
    uint32_t *ringers, ringer_count;
    struct line ready[KINDS], ringing; // sorted: by kind; else all is in the first
    uint32_t ready_count;
    enum kind sending;
    uint64_t next_number, random, now_us, open, order;
    char fault[160];
};

void line_put(struct line *line, const struct event *event);
bool line_take(struct line *line, struct event *event); // false: it is empty

// True with this chance, in per cent.
bool crowd_draw(struct crowd *crowd, double percent);
uint32_t crowd_below(struct crowd *crowd, uint32_t n); // a number below n
bool crowd_is_idle(const struct call *call);           // nothing is to come of what it sent
void crowd_release(struct crowd *crowd, struct call *call);
void crowd_forget(struct call *call);                     // its INVITE is answered
void crowd_talks(struct crowd *crowd, struct call *call); // it was answered

// A message of a call. inside as in struct draft; echo for responses.
struct say {
    enum world_side side;
    enum kind kind;
    uint16_t status; // of a refusal
    const char *echo;
    uint32_t echo_length;
};
void crowd_say(struct crowd *crowd, struct call *call, const struct say *say);

#endif
