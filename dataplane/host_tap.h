// SPDX-License-Identifier: BSD-3-Clause
// The kernel's side of the host path (path/host_path.h): a TAP interface for each network whose NIC a
// poll-mode driver has, with the NIC's MAC, MTU and link, and one thread that moves frames between them and
// the workers.
//
// A TAP of our own and not DPDK's net_tap or virtio-user: net_tap makes its system calls on the worker and
// does not show the NIC's link; virtio-user wants vhost-net, which containers and small kernels lack. The
// interface is persistent: addresses and what a routing daemon knows of it outlive a restart, and while
// nobody holds it the kernel shows no carrier.
#ifndef DIALGATE_HOST_TAP_H
#define DIALGATE_HOST_TAP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "counters_file.h"
#include "fault.h"
#include "host_path.h"
#include "ports.h"
#include "rules.h"

struct host_tap {
    const struct snapshot_network *network;
    uint8_t index; // of the network
    int fd;
    uint16_t port;              // DPDK's
    bool carrier;               // as the kernel was told
    struct host_path_rings way; // of the worker that sends for it
};

#define HOST_TAP_EMPTIES 64u

struct host_taps {
    struct host_tap taps[NETWORKS_MAX];
    unsigned count;
    struct host_path_rings ways[WORKERS_MAX];
    unsigned way_count;
    struct rte_mbuf *empties[HOST_TAP_EMPTIES]; // the thread's
    unsigned empty_count;
    struct counters_network *counters; // rows of the networks
    pthread_t thread;
    bool running;
    atomic_bool stop;
};

// Before routes are read and listeners bound: makes the interfaces that are not there, and takes them all,
// but those of isolated networks (bits): they are the kernel's driver's. Returns 0 or -errno with fault; then
// nothing is taken.
int host_taps_open(struct host_taps *taps, const struct rules *rules, uint32_t isolated, struct fault *fault);
// After the ports: each interface gets its NIC's MAC, the NIC the interface's MTU.
int host_taps_join(struct host_taps *taps, const struct ports *ports, struct fault *fault);
// Before the workers: their rings. owner: of queue 0 of a network.
struct host_taps_workers {
    const struct host_path_rings *rings; // one a worker
    unsigned count;
    unsigned (*owner)(unsigned count, unsigned network, unsigned queue);
    struct counters_network *counters;
};
int host_taps_start(struct host_taps *taps, const struct host_taps_workers *workers, struct fault *fault);
// For the one thread that follows devices (port_watch.h). The kernel's link; true: it was another one before.
bool host_tap_set_carrier(struct host_tap *tap, bool carrier);
bool host_tap_link_is_up(uint16_t port);                                // the NIC's
struct host_tap *host_taps_of(struct host_taps *taps, uint8_t network); // NULL: there is none
// Ends the thread. After the workers have stopped, before their rings go.
void host_taps_stop(struct host_taps *taps);
void host_taps_close(struct host_taps *taps);

#endif
