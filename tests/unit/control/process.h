// SPDX-License-Identifier: BSD-3-Clause
// Programs under test as processes: dialgate-control on a run directory of its own, and others run to their
// end.
#ifndef DIALGATE_TEST_PROCESS_H
#define DIALGATE_TEST_PROCESS_H

#include <stddef.h>
#include <sys/types.h>
#include "dialgate/ua.h"

#define DEADLINE_MS 60000 // of everything that is waited for

extern const char *control_program; // paths, set by main()
extern const char *ctl_program;

struct world {
    char directory[64];
    char run[72];
    char config[128];
    char socket[100];
    char log[128];
    unsigned int port;
    pid_t daemon;
};

// Starts the daemon in world (again). daemon_connect waits until it answers.
pid_t daemon_start(struct world *world);
struct dg_client *daemon_connect(const struct world *world);

// Of cmocka: *state becomes a world whose daemon answers; the daemon must end by SIGTERM with status 0, which
// under a sanitizer says too that nothing leaked.
int daemon_setup(void **state);
int daemon_teardown(void **state);

// Waits for the end: exit status, 128 + signal, or -1 when it had to be killed.
int process_finish(pid_t pid);

// Runs words (NULL-terminated) to the end; what it wrote is in output. Returns as process_finish.
int process_run(const struct world *world, const char *const *words, char *output, size_t size);

#endif
