// SPDX-License-Identifier: BSD-3-Clause
// Callers and callees of a worker in its own time: calls come at a steady rate, whoever is not answered
// repeats as RFC 3261 section 17 says, and every message may be lost where a queue is full.
#ifndef DIALGATE_PERF_GOODPUT_CALLS_H
#define DIALGATE_PERF_GOODPUT_CALLS_H

#include <stdint.h>
#include <rte_mbuf.h>

struct goodput_calls;

struct goodput_count {
    uint64_t offered;
    uint64_t completed; // from INVITE to the 200 to BYE
    uint64_t refused;
    uint64_t lost; // given up
};

struct goodput_calls *goodput_calls_create(struct rte_mempool *pool, struct rte_ring *const to_worker[2]);
void goodput_calls_destroy(struct goodput_calls *calls);
// What is due by now: new calls at this rate, messages that arrive, repeats.
void goodput_calls_run(struct goodput_calls *calls, uint64_t now_us, double calls_a_second);
// What the worker sent through the port of a network. Takes the mbuf.
void goodput_calls_take(struct goodput_calls *calls, unsigned network, struct rte_mbuf *mbuf);
const struct goodput_count *goodput_calls_count(const struct goodput_calls *calls);

#endif
