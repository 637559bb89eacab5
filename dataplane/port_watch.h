// SPDX-License-Identifier: BSD-3-Clause
// What becomes of PCI devices while they are in use. A thread of its own looks every PORT_WATCH_MS: the
// kernel's interface of the host path follows the device's link, the device follows the interface's MTU, and
// a device that was reset or is gone is brought back. All of that may wait for the device or for the kernel's
// lock, which the agent, the workers and the frames of the host path must not.
//
// The driver tells of a reset (RTE_ETH_EVENT_INTR_RESET, RTE_ETH_EVENT_RECOVERY_FAILED) or a removal
// (RTE_ETH_EVENT_INTR_RMV). The workers leave the device alone (path/away.h), it is reset, configured and
// started, or closed and looked for again, every PORT_WATCH_RETRY_MS until it works. The same is done where a
// driver changes the MTU only of a device that is stopped. vfio tells of a removal by EAL
// (RTE_DEV_EVENT_REMOVE); the kernel waits with it until we have let the device go.
//
#ifndef DIALGATE_PORT_WATCH_H
#define DIALGATE_PORT_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include "announce.h"
#include "fault.h"
#include "host_tap.h"
#include "ports.h"
#include "worker.h"

#define PORT_WATCH_MS       100u // a driver may ask the device slowly
#define PORT_WATCH_RETRY_MS 1000u

enum port_event { PORT_EVENT_NONE, PORT_EVENT_MTU, PORT_EVENT_RESET, PORT_EVENT_REMOVED }; // worst last

struct port_watched;

// Of a bond's port.
struct bond_watched {
    bool has_way;           // there was one
    uint32_t way;           // port_bond_way()
    unsigned announcements; // that are to be sent yet
    uint64_t announce_ms;   // when the next one is due
};

struct port_device {
    struct port_watched *row;
    const char *name;
    atomic_bool is_lost; // of a bond: was reset or removed; drivers write it
    // The thread's own:
    bool is_out;
    uint64_t out_ms, retry_ms;
};

struct port_watched {
    struct port *port;
    struct port_device devices[NETWORK_DEVICES_MAX];
    unsigned device_count;
    struct host_tap *tap; // NULL: there is none
    uint32_t networks;    // bits, of those that this port is for
    atomic_uint event;    // enum port_event; drivers write it, too
    // The thread's own:
    bool away;
    unsigned mtu;        // that the device has
    uint32_t devices_up; // bits
    uint64_t away_ms, retry_ms;
    struct bond_watched bond;
};

struct port_watch {
    struct port_watched rows[NETWORKS_MAX];
    unsigned count;
    struct ports *ports;
    struct published *published;
    unsigned workers;
    struct counters_network *counters;
    struct announcer announcer; // open where there is a bond
    pthread_t thread;
    bool running;
    atomic_bool stop;
};

struct port_watch_plan {
    struct ports *ports;
    struct host_taps *taps;
    struct published *published;
    unsigned workers;
    struct counters_network *counters; // rows of the networks
};

// After the workers were made, before rights are given up. Without a PCI device there is nothing to do.
// Returns 0 or -errno with fault.
int port_watch_start(struct port_watch *watch, const struct port_watch_plan *plan, struct fault *fault);
// Before the ports are closed. The thread ends after what it is at.
void port_watch_stop(struct port_watch *watch);
// What a driver's event comes to. Any thread.
void port_watch_tell(struct port_watched *row, enum port_event event);
void port_watch_tell_device(struct port_device *device, enum port_event event);

// Of the thread, for the devices of bonds (bond_watch.h), too.

// When it returns true no worker is inside the port, nor goes there. False: the end came first.
bool port_watch_take(struct port_watch *watch, struct port_watched *row);
void port_watch_give(struct port_watch *watch, struct port_watched *row);
void port_watch_count_reset(struct port_watch *watch, const struct port_watched *row);
// What its driver tells.
void port_watch_register(struct port_device *device);
void port_watch_unregister(struct port_device *device);

#endif
