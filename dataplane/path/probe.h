// SPDX-License-Identifier: BSD-3-Clause
// Health of members, by OPTIONS (RFC 3261 section 11). The worker whose number is the member's modulo their
// count probes it and alone writes its health into its counters; every worker reads it there.
//
// A member has one timer on the wheel. A probe is a client transaction of ours outside a dialog: timer E
// repeats it, and it is given up after probe_timeout_ms. Any 2xx and the statuses of probe_accept are good;
// others, silence and ICMP errors are bad. What we lack ourselves (transactions, packets) says nothing about
// a member: such a probe counts neither way. After a reload a slice a turn looks at all members: new ones and
// those whose address or listeners changed begin anew, first heard of within one interval and spread over it;
// those that vanished, are disabled or belong to a peer without probes become unknown.
#ifndef DIALGATE_PATH_PROBE_H
#define DIALGATE_PATH_PROBE_H

#include "dialgate/counters.h"
#include "dialgate/snapshot.h"
#include "endpoint.h"
#include "message.h"
#include "wheel.h"

#define WHEEL_CLASS_PROBE 3u  // beside those of state/
#define PROBES_A_TURN     64u // members that a turn looks at after a reload

struct probe {
    struct wheel_node timer;
    uint32_t transaction; // of the probe that waits for its answer; INDEX_NONE: none does
    uint32_t generation;  // its low bits
    struct endpoint at;
    uint16_t peer;
    uint8_t good, bad; // in a row; one of them is 0
};

// One change of health, for the agent.
struct member_transition {
    uint64_t at_ms;  // of the monotonic clock
    uint64_t probes; // of this member, in all
    struct ip_address address;
    uint16_t port;
    uint16_t member;
    uint16_t peer;
    uint16_t reason; // as in struct counters_member
    uint8_t from;    // enum member_health
    uint8_t to;
    uint8_t in_row; // probes that decided it
    uint8_t reserved[5];
};
static_assert(sizeof(struct member_transition) == 48, "layout");

#define MEMBER_TRANSITIONS 256u // a power of two
struct member_transitions {     // zeroed memory is an empty ring
    uint32_t head;              // next to be written: the worker writes, the agent reads
    uint64_t lost;              // that found the ring full: the worker writes, the agent reads
    _Alignas(64) uint32_t tail; // next to be read: the agent writes, the worker reads
    _Alignas(64) struct member_transition ring[MEMBER_TRANSITIONS];
};

struct probes {
    uint32_t cursor; // the next member of ours that the slice looks at; MEMBERS_MAX or more: none
    struct member_transitions transitions;
    struct probe members[MEMBERS_MAX]; // by number; only those of this worker are used
};

struct worker;

void probe_init(struct worker *worker);     // after the wheel's
void probe_settings(struct worker *worker); // the configuration is another one
// Goes on with what probe_settings() began. Returns how many members it looked at.
unsigned probe_slice(struct worker *worker);
void probe_expired(struct worker *worker, uint32_t member); // its timer
// Somebody who may lie says that it cannot be reached: the next probe comes within a second, and at most one
// in half a second, however often that is said.
void probe_soon(struct worker *worker, uint32_t member);
// A client transaction of ours ended: by a final status, by 0 (no answer in time) or by
// MEMBER_REASON_UNREACHABLE. What is no probe, or one that nobody waits for any more, is left alone.
void probe_ended(struct worker *worker, uint32_t client, uint16_t status);
// Whether it is a probe of ours, or the answer to one, by the tag that only we give.
bool probe_is_ours(const struct worker *worker, const struct message *message);

#endif
