// SPDX-License-Identifier: BSD-3-Clause
// The host path: where the kernel does not see the NIC itself (a PCI device with a poll-mode driver), what is
// not ours goes to an interface of the kernel and what the kernel sends there leaves by the NIC. So ARP, ND,
// ICMP, BGP and ssh are the kernel's, and routes and neighbours come from it as everywhere.
//
// A worker touches rings only. The other end is a thread of the process (hostpath.c) that makes the system
// calls, and that never takes or frees an mbuf itself: a thread that the kernel stops in the middle of the
// pool would stop the workers with it. So mbufs come back to be freed, and empty ones are handed out ahead.
#ifndef DIALGATE_PATH_HOST_PATH_H
#define DIALGATE_PATH_HOST_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <rte_ring.h>

#define HOST_PATH_RING  512u  // each of the rings
#define HOST_PATH_SPARE 64u   // empty mbufs that lie ready
#define HOST_PATH_DONE  0xffu // network of a packet that comes back only to be freed

// Of one worker. Single producer, single consumer each.
struct host_path_rings {
    struct rte_ring *out;   // to the thread: frames for the kernel
    struct rte_ring *back;  // from it: frames that leave by packet->network, and HOST_PATH_DONE
    struct rte_ring *spare; // to it: empty mbufs
};

// What the kernel gets is limited by kind, so that a flood of one leaves the others their way.
enum host_path_kind {
    HOST_PATH_OTHER, // ARP, ND and what is no IP
    HOST_PATH_IP,    // ICMP, TCP, OSPF
    HOST_PATH_UDP,   // to no listener
    HOST_PATH_KINDS
};

// The buckets of one network in a worker (GCRA): when the next frame would be due.
struct host_path_buckets {
    uint64_t full_ns[HOST_PATH_KINDS];
};

#endif
