// SPDX-License-Identifier: BSD-3-Clause
// One poll-mode core. worker.c holds the turn; each stage has a file of its own. boot.c makes everything that
// a worker needs and hands it over in struct worker_parts.
#ifndef DIALGATE_PATH_WORKER_H
#define DIALGATE_PATH_WORKER_H

#include <stdatomic.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include "cookie.h"
#include "dialgate/counters.h"
#include "host_path.h"
#include "limit.h"
#include "nexthop.h"
#include "packet.h"
#include "rules.h"

#define WORKER_QUEUES_MAX    COUNTERS_QUEUES_MAX
#define WORKER_RING_SIZE     4096u // each of the rings between two workers
#define WORKER_COMMANDS_SIZE 64u
#define WORKER_ASKS_SIZE     256u

// What the agent publishes and every worker reads once a turn, by liburcu QSBR: rcu_assign_pointer,
// synchronize or call_rcu, then destroy.
struct published {
    struct rules *rules;            // never NULL once workers run
    struct nexthop_table *nexthops; // never NULL once workers run
    struct name_table *names;       // NULL: none is known yet
    struct capture_table *captures; // NULL: none is wanted
    struct filter_policy *filter;   // NULL: nothing is filtered here
    struct filter_bans *bans;       // NULL: nothing is filtered here; the same as long as workers run
    uint64_t tsc_to_wall_us;        // Unix time less the microseconds of the TSC, while captures are wanted
    atomic_bool stop;               // workers leave worker_run()
    // Networks whose device nobody may touch now, as bits (away.h), and what of them each worker has heard.
    atomic_uint away;
    atomic_uint away_heard[WORKERS_MAX];
    uint16_t ports[NETWORKS_MAX]; // DPDK's, of those whose bit is cleared now
};

// A NIC queue that this worker owns: it alone receives from it and sends to it.
struct worker_queue {
    uint16_t port;   // DPDK port
    uint16_t queue;  // rx and tx queue number
    uint8_t network; // whose port it is (rules.h)
    int16_t node;    // memory node of the device, -1: of none
};

// Of struct worker_parts: checksums of what we send that the NIC makes.
#define WORKER_OFFLOAD_IP  1u // IPv4's header
#define WORKER_OFFLOAD_UDP 2u

// Words that each worker writes for itself and all read.
struct worker_shared {
    const struct counters_member *members[WORKERS_MAX]; // of the counters file
    struct limit_words *limits[WORKERS_MAX];            // LIMIT_ROWS of each worker, zeroed at the start
};

// All rings are single producer, single consumer. [i] of the arrays: the other worker's number; [own] is
// NULL.
struct worker_parts {
    unsigned id;    // 0 .. count - 1
    unsigned count; // workers
    unsigned cpu;
    int node; // memory node of that CPU, -1: not known
    const struct worker_queue *queues;
    unsigned queue_count;
    uint8_t tx_owner[NETWORKS_MAX]; // worker that owns a queue of the network and sends for us; us where we
                                    // own one
    uint8_t offload[NETWORKS_MAX];  // WORKER_OFFLOAD_*
    uint32_t isolated;              // networks whose device leaves what is not ours with the kernel, bits
    struct rte_mempool *pool;       // made with WORKER_MBUF_PRIVATE octets of private area
    struct rte_mempool *large;      // likewise, buffers of WORKER_LARGE_ROOM octets; NULL: there are none
    struct rte_ring *inbox[WORKERS_MAX];  // received packets whose owner we are
    struct rte_ring *outbox[WORKERS_MAX]; // their other ends
    struct rte_ring *tx_in[WORKERS_MAX];  // finished packets that we send for others
    struct rte_ring *tx_out[WORKERS_MAX];
    struct host_path_rings host; // where a network has attach: pci; else NULL
    struct rte_ring *commands;   // struct command *, from the agent
    struct rte_ring *results;    // struct command *, to the agent
    struct rte_ring *asks;       // of struct worker_ask, to the agent
    struct published *published;
    struct counters_worker *counters; // zeroed block in the counters file
    struct counters_peer *peers;      // PEERS_MAX of them in it
    struct counters_member *members;  // MEMBERS_MAX of them in it
    const struct worker_shared *shared;
    struct cookie_keys keys;
    uint32_t dialogs_capacity;
    uint32_t transactions_capacity;
    uint32_t usages_capacity;    // dialogs of applications in which something is under way; 0: there are none
    struct ua_ring *ua_commands; // from the agent, as the two below: NULL where nobody is told anything
    struct ua_ring *ua_events;   // to the agent
    // The control that is connected, each with another number; 0: none is. The agent writes.
    const atomic_uint *ua_heard;
    void *memory; // worker_memory() octets, zeroed, 64-octet aligned, preferably huge pages
    void *
        file; // worker_file_memory() octets, zeroed, 64-octet aligned: the dialogs, which outlive the process
    void *arena; // arena_size octets, 16-octet aligned
    size_t arena_size;
    const struct capture_place *captures;    // where captured messages go, NULL: nowhere
    struct call_ring *calls;                 // in a file of its own: records of calls, NULL: there is none
    struct filter *filter;                   // zeroed but for its networks; NULL: each has an XDP program
    struct counters_filter *filter_counters; // with it
    struct filter_notes *filter_notes;       // with it, zeroed; NULL: nothing is noted
    struct takeover *takeover;               // what earlier processes left, NULL: nothing
};

#define WORKER_LARGE_ROOM   UINT16_MAX // the largest datagram and the 8 octets before it, without headroom
#define WORKER_MBUF_PRIVATE ((uint16_t)sizeof(struct packet))

// A next hop whose MAC the kernel is to find.
struct worker_ask {
    struct ip_address address;
    uint32_t network;
};
static_assert(sizeof(struct worker_ask) % 4 == 0, "what rings take");

struct worker;             // worker_core.h
struct dialog_transitions; // state/dialog.h
struct member_transitions; // probe.h
struct unreachables;       // unreachable.h
struct name_asks;          // name.h
struct suspects;           // suspect.h
struct filter;             // filter.h
struct filter_policy;      // filter.h
struct filter_bans;        // filter.h
struct filter_notes;       // dialgate/filter_notes.h
struct capture_table;      // capture.h
struct capture_place;      // capture_ring.h
struct ua_ring;            // ua_ring.h

size_t worker_memory(uint32_t dialogs_capacity, uint32_t transactions_capacity, uint32_t usages_capacity);
size_t worker_file_memory(uint32_t dialogs_capacity);
// Makes a worker in parts->memory. Returns NULL with one line in error.
struct worker *worker_create(const struct worker_parts *parts, char *error, size_t error_size);
// lcore function: runs turns until published->stop. Returns 0. argument: struct worker.
int worker_run(void *argument);
void worker_destroy(struct worker *worker);
// Microseconds of the TSC, as workers' clocks count them.
uint64_t worker_tsc_us(void);
// What becomes of its dialogs, for the one other thread that reads the ring.
struct dialog_transitions *worker_transitions(struct worker *worker);
// Of the members that it probes, for the agent alone.
struct member_transitions *worker_member_transitions(struct worker *worker);
// ICMP errors for it, from the agent alone.
struct unreachables *worker_unreachables(struct worker *worker);
// Sources that its rules would ban, for the agent alone.
struct suspects *worker_suspects(struct worker *worker);
// Names of next hops that it wants to know, for the agent alone.
struct name_asks *worker_name_asks(struct worker *worker);

#endif
