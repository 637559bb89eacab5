// SPDX-License-Identifier: BSD-3-Clause
// Signs that a source which is no peer should be banned: messages that are no SIP, a scanner's User-Agent,
// requests and responses of dialogs that it has no part in. Each worker counts what it sees, in a table of
// fixed size (the source that was seen longest ago in its set makes room), and gives a verdict to the agent
// when a rule's count is reached within its time (configuration: bans). Whoever spreads messages over many
// Call-IDs reaches the count in each worker for itself.
//
// What a stranger sends is dropped in any case, without an answer: a ban only moves that before the worker,
// and whoever gets an innocent stranger banned by its forged address has taken nothing from it. A peer's
// address is no stranger's, so that no message from it is ever a sign.
#ifndef DIALGATE_PATH_SUSPECT_H
#define DIALGATE_PATH_SUSPECT_H

#include <stdint.h>
#include "ban_source.h"
#include "dialgate/snapshot.h"
#include "endpoint.h"

#define SUSPECT_SETS     1024u // a power of two
#define SUSPECT_WAYS     4u
#define SUSPECT_VERDICTS 64u // that the agent has not read; a power of two
// Of strangers, in a tick of 10 ms: what comes beyond is dropped unread, so that a flood costs no more than
// 3 % of a core.
#define SUSPECT_LOOKS_A_TICK 32u

struct suspect {
    struct ban_source source; // length 0: empty
    tick_t began;             // of the time in which is counted
    tick_t seen;
    uint16_t counts[BAN_RULE_COUNT];
    uint16_t reserved;
};
static_assert(sizeof(struct suspect) == 36, "a set in three lines");

struct suspect_verdict {
    struct ban_source source;
    uint32_t rule; // enum ban_rule
};

struct suspects {               // zeroed memory is empty
    uint32_t head;              // next to be written: the worker writes, the agent reads
    _Alignas(64) uint32_t tail; // next to be read: the agent writes, the worker reads
    _Alignas(64) struct suspect_verdict ring[SUSPECT_VERDICTS];
    tick_t tick; // of `looks`
    uint32_t looks;
    _Alignas(64) struct suspect rows[SUSPECT_SETS][SUSPECT_WAYS];
};

struct work;
struct worker;
// A message of a stranger, before it is dropped.
void suspect_look(struct worker *worker, const struct work *work);

// For the agent. Returns the number of verdicts copied, at most most.
static inline unsigned suspect_take(struct suspects *suspects, struct suspect_verdict *verdicts,
                                    unsigned most)
{
    uint32_t head = __atomic_load_n(&suspects->head, __ATOMIC_ACQUIRE);
    unsigned taken = 0;
    for (; suspects->tail != head && taken < most; taken++) {
        verdicts[taken] = suspects->ring[suspects->tail & (SUSPECT_VERDICTS - 1)];
        __atomic_store_n(&suspects->tail, suspects->tail + 1, __ATOMIC_RELEASE);
    }
    return taken;
}

#endif
