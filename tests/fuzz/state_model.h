// SPDX-License-Identifier: BSD-3-Clause
// A transaction as RFC 3261 section 17 and RFC 6026 tell it, in plain words of C: no tables, no wheel, no
// arena. Slow, and with nothing in common with dataplane/state but the names of events and actions.
#ifndef DIALGATE_TESTS_FUZZ_STATE_MODEL_H
#define DIALGATE_TESTS_FUZZ_STATE_MODEL_H

#include "transaction.h"

enum plain_end { PLAIN_NEVER, PLAIN_TIMEOUT, PLAIN_END, PLAIN_TIMER_C, PLAIN_SLOW };

struct plain {
    enum transaction_kind kind;
    enum transaction_state state;
    uint64_t key;
    tick_t began;
    bool repeats; // a retransmission, or a late 100, is due at repeat_at
    tick_t repeat_at;
    tick_t interval;
    enum plain_end ends;
    tick_t end_at;
    uint32_t kept; // octets of the message kept; 0: none
    uint8_t fill;  // each of them
};

void plain_begin(struct plain *plain, enum transaction_kind kind, const struct transaction_timers *timers,
                 tick_t now);
unsigned plain_step(struct plain *plain, enum transaction_event event,
                    const struct transaction_timers *timers, tick_t now);
// What is due, TRANSACTION_EVENTS: nothing.
enum transaction_event plain_due(const struct plain *plain, tick_t now);
void plain_end_at(struct plain *plain, tick_t deadline);
void plain_slow_at(struct plain *plain, tick_t deadline);
void plain_quiet(struct plain *plain, const struct transaction_timers *timers, tick_t now);

#endif
