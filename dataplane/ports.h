// SPDX-License-Identifier: BSD-3-Clause
// The NIC ports: one an interface, through AF_XDP with our prefilter, AF_PACKET or a driver of DPDK, and the
// pools that their packets come from.
#ifndef DIALGATE_PORTS_H
#define DIALGATE_PORTS_H

#include <pthread.h>
#include <rte_mempool.h>
#include <string.h>
#include "fault.h"
#include "packet_pool.h"
#include "port_flow.h"
#include "port_program.h"
#include "prefilter.h"
#include "rules.h"

struct port {
    const struct snapshot_network *network; // in the rules of the start, which outlive the ports
    enum attach attach;                     // the network's, or AF_PACKET where its XDP program cannot be had
    uint16_t id;                            // DPDK's
    int node;                               // memory node of the device, MEMORY_NODE_NONE: of none
    struct rte_mempool *pool;               // that it receives into, one of ports.pools
    uint8_t shared;          // network whose port it is (rules.h); another one's: nothing below is set
    uint32_t offload;        // NETWORK_OFFLOAD_*, by port_start()
    struct port_flows flows; // of flow isolation
    bool probed;
    bool attaching; // the record says that the next program is ours
    bool attached;  // prefilter holds maps
    struct prefilter_port prefilter;
};

struct ports {
    struct packet_pools pools;
    struct rte_mempool
        *large; // of buffers that no NIC sees, for the largest datagrams; NULL: none are wanted
    struct port ports[NETWORKS_MAX]; // by network
    unsigned count;
    const char *run_directory;
    pthread_mutex_t lock; // held by who restarts a port: nobody else asks its driver anything meanwhile
};

struct ports_plan {
    const struct rules *rules;
    const char *run_directory;
    const char *prefilter;          // the ELF
    const struct port_nodes *nodes; // read by ports_open()
    struct port_programs *programs; // filled by ports_check(), read by ports_open()
    uint32_t *isolated;             // likewise: networks whose device the kernel keeps (port_flow.h), as bits
};

// A device of DPDK's own (vdev), by its name and not by a PCI address: EAL's arguments make it.
static inline bool port_device_is_virtual(const char *device)
{
    return strchr(device, ':') == NULL;
}

// Before EAL: interfaces exist, our rights suffice, XDP programs can be had or prefilter.unavailable does
// without; what a dead instance left is removed.
int ports_check(const struct ports_plan *plan, struct fault *fault);
// After EAL: pool and ports, started, with the prefilter loaded. Returns 0 or -errno with fault; then nothing
// is left behind.
int ports_open(struct ports *ports, const struct ports_plan *plan, struct fault *fault);
// Stops, closes and detaches all. No worker may run.
void ports_close(struct ports *ports);
// Gives all ports their part of the rules, that is the prefilter's configuration and the rules of flow
// isolation, or, when one fails, all that of the rules before.
int ports_load(struct ports *ports, const struct rules *rules, const struct rules *before,
               struct fault *fault);

#endif
