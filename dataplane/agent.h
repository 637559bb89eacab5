// SPDX-License-Identifier: BSD-3-Clause
// The agent: the main thread. Waits for a configuration, starts the data plane with it, then serves control,
// mirrors the kernel's routes and neighbours for the workers and publishes new configurations, until SIGTERM
// or SIGINT.
#ifndef DIALGATE_AGENT_H
#define DIALGATE_AGENT_H

#include "boot.h"

struct agent_options {
    const char *run_directory;
    const char *state_directory; // NULL: derived
    bool sandbox;                // give up rights and system calls once packets are taken
    struct boot_options boot;
};

// Returns 0 after a clean end, or -errno with fault.
int agent_run(const struct agent_options *options, struct fault *fault);

#endif
