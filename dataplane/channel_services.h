// SPDX-License-Identifier: BSD-3-Clause
// What stands behind control's connection: the connection itself, and everything that its messages reach or
// that tells it something. It knows the workers by their rings alone. What the process does besides is its
// owner's.
#ifndef DIALGATE_CHANNEL_SERVICES_H
#define DIALGATE_CHANNEL_SERVICES_H

#include "ban_requests.h"
#include "call_records.h"
#include "capture_requests.h"
#include "channel_server.h"
#include "dialog_events.h"
#include "dialog_requests.h"
#include "event_queue.h"
#include "member_events.h"
#include "name_cache.h"
#include "ua_channel.h"

struct rules;

// What its owner does for it.
struct channel_owner {
    // Sends HELLO with the state and all that is shared. text: with CHANNEL_FAILED, why; NULL is fine.
    void (*say_hello)(void *context, const char *text);
    // Starts with these rules (CHANNEL_WAITING), or puts them in force. Takes them in any case. Returns 0 or
    // -errno with fault; a failed start leaves CHANNEL_FAILED.
    int (*take_rules)(void *context, struct rules *rules, struct fault *fault);
    void *context;
};

// The rings that one worker fills for us.
struct channel_rings {
    struct dialog_transitions *dialogs;
    struct member_transitions *members;
    struct name_asks *names;
    struct suspects *suspects;
};

struct channel_services {
    struct channel_server server;
    enum channel_state state; // the owner writes
    struct channel_owner owner;
    struct log_limit snapshot_limit;
    // From channel_services_start() to channel_services_stop():
    struct workers *workers;
    struct channel_rings rings[WORKERS_MAX];
    struct call_records *records;
    struct dialog_requests requests;
    struct capture_requests captures;
    struct event_queue events[CHANNEL_EVENT_KINDS];
    struct dialog_events dialog_events;
    struct member_events member_events;
    struct name_cache names;
    struct bans *bans;
    struct ua_channel ua;
};

struct channel_services_options {
    struct workers *workers;
    const struct channel_rings *rings; // of each worker
    struct call_records *records;
    struct capture_count *capture_counts;
    struct ban_place bans;                                          // where they are in force
    const char *state_directory;                                    // for bans, NULL: nothing outlives us
    const uint8_t *boot_id;                                         // 16 octets
    struct counters_agent *ban_counters;                            // NULL: nobody counts
    void (*publish_names)(void *context, struct name_table *table); // takes it
    void *publish_context;
};

void channel_services_init(struct channel_services *services, int listen_fd,
                           const struct channel_owner *owner);
// The workers run. Returns 0 or -ENOMEM; then all is as before. The owner sets CHANNEL_RUNNING.
int channel_services_start(struct channel_services *services, const struct channel_services_options *options);
// Takes what workers have for us, and sends what control takes: nothing here waits for either. Each tick, and
// every 1 or 2 ms while channel_services_busy().
void channel_services_poll(struct channel_services *services, uint64_t now_ms);
// Somebody waits for what a worker says: for the answer to a command, or an application for what comes.
bool channel_services_busy(const struct channel_services *services);
// The connection is gone.
void channel_services_forget(struct channel_services *services);
// After the workers have stopped, before their rings are freed; rcu_barrier() comes after it and before the
// struct goes.
void channel_services_stop(struct channel_services *services);

#endif
