// SPDX-License-Identifier: BSD-3-Clause
// Which networks that attach by AF_XDP can have their XDP program, found before DPDK starts, and what
// prefilter.unavailable makes of those that cannot: the start is refused, or they attach by AF_PACKET and the
// workers' filter serves.
#ifndef DIALGATE_PORT_PROGRAM_H
#define DIALGATE_PORT_PROGRAM_H

#include "fault.h"
#include "rules.h"

// By network; networks of one interface have the same.
struct port_programs {
    char missing[NETWORKS_MAX][CHANNEL_TEXT_SIZE]; // why it cannot be had, ""; it can, or none is wanted
};

struct port_program_plan {
    const struct rules *rules;
    const char *run_directory;
    const char *file; // the ELF
};

// Fills *programs, removes what a dead instance left on the interfaces, and logs each program that is
// missing. Returns 0, or -errno with fault where prefilter.unavailable says refuse.
int port_programs_check(struct port_programs *programs, const struct port_program_plan *plan,
                        struct fault *fault);
// How a network really attaches.
enum attach port_programs_attach(const struct port_programs *programs, const struct rules *rules,
                                 unsigned network);

#endif
