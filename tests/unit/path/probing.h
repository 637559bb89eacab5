// SPDX-License-Identifier: BSD-3-Clause
// Members that are probed, on the wire: the SBCs with an interval of 5 s, a timeout of 2 s, down after three,
// up again after two, without jitter. The clock turns in steps of 100 ms.
#ifndef DIALGATE_TEST_PATH_PROBING_H
#define DIALGATE_TEST_PATH_PROBING_H

#include "call.h"

#define INTERVAL_MS 5000u
#define TIMEOUT_MS  2000u
#define WALK_MS     200u // steps of the clock until the worker has looked at all members, and a probe is seen
#define SILENCE     ""
#define PROBE       "OPTIONS "
#define G           "200 OK"
#define B           "503 Service Unavailable"

struct snapshot_peer *probing_peer(struct wire *wire);
struct snapshot_member *probing_member(struct wire *wire, uint16_t member);
const struct counters_member *probing_words(const struct wire *wire, uint16_t member);
void probing_expect(const struct wire *wire, uint16_t member, enum member_health health);
// Probes of the SBCs, without jitter; the second one is disabled.
void probing_begin(struct wire *wire);
// Nobody is probed any more, and nothing waits for an answer.
void probing_end(struct wire *wire);
// Passes time until a probe goes to this member. Returns how much, in steps of 100 ms.
uint32_t probing_next(struct wire *wire, struct endpoint to, struct wire_packet *probe);
void probing_answer(struct wire *wire, const struct wire_packet *probe, const char *status);
// One probe and its answer, or none: then it is given up.
void probing_one(struct wire *wire, struct endpoint at, const char *status);

#endif
