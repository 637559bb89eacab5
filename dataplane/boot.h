// SPDX-License-Identifier: BSD-3-Clause
// The whole start of the data plane in one place: what is made in which order, and given back in reverse.
#ifndef DIALGATE_BOOT_H
#define DIALGATE_BOOT_H

#include "call_records.h"
#include "capture_memory.h"
#include "counters_file.h"
#include "health.h"
#include "host_tap.h"
#include "hostnet.h"
#include "images.h"
#include "keys.h"
#include "listen.h"
#include "port_watch.h"
#include "ports.h"
#include "rundir.h"
#include "workers.h"

struct boot_options {
    const char *prefilter; // path of the ELF
    const uint16_t *cpus;  // that may be used, ascending
    unsigned cpu_count;
    char *const *eal_arguments;
    unsigned eal_argument_count;
};

// Everything that runs. published.rules is what is in force; start_rules are those of the start, which ports
// refer to.
struct dataplane {
    struct listen_set listens;
    struct hostnet *hostnet;
    struct host_taps host_taps;
    struct port_programs programs;
    uint32_t isolated; // networks whose device the kernel keeps (port_flow.h), as bits
    struct port_watch port_watch;
    struct ports ports;
    struct counters_file counters;
    struct workers workers;
    struct images images;
    struct cookie_keys keys;
    struct call_records records;
    struct capture_memory captures;
    struct rules *start_rules;
};

// Takes rules in any case; with an error they are destroyed and nothing is left behind. EAL starts once a
// process: the caller ends then. Returns 0 or -errno with fault. QSBR: the agent is registered and offline.
int boot_start(struct dataplane *plane, struct rules *rules, const struct rundir *dir,
               const struct boot_options *options, struct fault *fault);
// What health.h needs of a plane that has its counters, under these rules.
struct health boot_health(const struct dataplane *plane, const struct rules *rules,
                          const char *state_directory);
// Stops workers, ports and EAL and gives everything back. False: a worker is stuck; ports are closed, its
// memory is left.
bool boot_stop(struct dataplane *plane);

#endif
