// SPDX-License-Identifier: BSD-3-Clause
// Whether the prefilter's program can be had on an interface, asked before DPDK starts: the AF_XDP driver
// loads it late, says little of what went wrong, and is not to be trusted with a start that failed half-way.
#ifndef DIALGATE_DATAPLANE_PREFILTER_TRY_H
#define DIALGATE_DATAPLANE_PREFILTER_TRY_H

#include <stdbool.h>
#include <stddef.h>

struct prefilter_trial {
    const char *run_directory;
    const char *interface;
    const char *file; // the ELF
    // Attach it, too, and take it off again: drivers of some NICs stop the link for that. Without it what the
    // kernel says to the attaching is found by the driver.
    bool attach;
};

// After prefilter_clear_stale(). Nothing of the trial is left, but for a process that is killed in it: the
// next prefilter_clear_stale() takes that away. Returns 0 or -errno with one line for the operator in error,
// cut to size octets with its NUL: -ENOENT, -EACCES, ... the file cannot be read; -EAFNOSUPPORT: a kernel
// without AF_XDP; else what the kernel said to the program.
int prefilter_try(const struct prefilter_trial *trial, char *error, size_t size);

#endif
