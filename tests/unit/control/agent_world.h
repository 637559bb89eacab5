// SPDX-License-Identifier: BSD-3-Clause
// An agent of libdialgate against ua_far.c, with what it was told.
#ifndef DIALGATE_TEST_AGENT_WORLD_H
#define DIALGATE_TEST_AGENT_WORLD_H

#include "cmocka_first.h"
#include <pthread.h>
#include <sys/types.h>
#include "dialgate/ua.h"

#define DEADLINE_MS 20000 // of everything that is waited for

extern const char *far_program; // path, set by main()

struct agent_world {
    char directory[64], path[96];
    pid_t far;
    struct dg_agent *agent;
    pthread_mutex_t lock;
    // What its callback was told; under the lock.
    unsigned told[DG_EVENT_KINDS];
    uint64_t lost;
    bool lost_unknown;
    char order[1024]; // words of the events of one dialog
    struct dg_dialog *incoming;
    struct dg_dialog *replaced; // by the last call that came; NULL: none
    struct dg_request *asked;
};

int far_begin(struct agent_world *world); // 0 or -1
int far_end(struct agent_world *world);
// Of cmocka: with an agent that a thread of its own serves.
int agent_setup(void **state);
int agent_teardown(void **state);
void agent_on_event(void *context, const struct dg_event *event);
// Waits until the callback was told kind so often.
void agent_wait_told(struct agent_world *world, enum dg_event_kind kind, unsigned count);

#endif
