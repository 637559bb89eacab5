// SPDX-License-Identifier: BSD-3-Clause
// The side of hostnet.h that waits for the kernel.
#ifndef DIALGATE_HOSTNET_THREAD_H
#define DIALGATE_HOSTNET_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include "hostnet_gone.h"
#include "hostnet_mirror.h"
#include "hostnet_paths.h"
#include "log.h"

enum hostnet_command_kind { HOSTNET_ASK, HOSTNET_NARROW, HOSTNET_WATCH };

struct hostnet_command {
    struct ip_address address;
    uint16_t mtu;
    uint8_t network;
    uint8_t kind; // enum hostnet_command_kind
};

struct hostnet_thread {
    int commands; // struct hostnet_command each
    int stop;     // readable: the end
    int ready;    // told of a fresh table
    _Atomic(struct nexthop_table *) fresh;
    atomic_ullong readings, failures;
    atomic_ullong missing; // bits of wanted.address
    pthread_mutex_t lock;  // held for a copy only
    struct mirror_wanted wanted;
    // The thread's own:
    int events; // notifications
    struct hostnet_socket socket;
    struct mirror mirror;
    struct hostnet_paths paths;
    struct hostnet_gone gone;
    bool old;         // something changed since the last reading
    bool untold;      // of mirror or paths no table was made yet
    uint64_t next_ms; // no reading and no table before
    bool unmanaged;   // the kernel does not know NTF_EXT_MANAGED
    struct log_limit limit;
};

// Reads the kernel's tables. Returns 0 or -errno; the mirror is as before then. *table: one that differs from
// what the mirror had, else NULL.
int hostnet_thread_read(struct hostnet_thread *thread, struct nexthop_table **table);
// Until stop. argument: struct hostnet_thread.
void *hostnet_thread_run(void *argument);

#endif
