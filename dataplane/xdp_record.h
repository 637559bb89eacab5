// SPDX-License-Identifier: BSD-3-Clause
// RUN_DIRECTORY/xdp-INTERFACE: which XDP program on an interface is ours, for the start after a death.
#ifndef DIALGATE_XDP_RECORD_H
#define DIALGATE_XDP_RECORD_H

#include <stdint.h>

// There was no program, and the next one to be attached is ours: its id is not known before it is there.
#define XDP_RECORD_NEXT UINT32_MAX

// The id in the record, 0 when there is none that can be read.
uint32_t xdp_record_read(const char *run_directory, const char *interface);
// Returns 0 or -errno; then the old record stands.
int xdp_record_write(const char *run_directory, const char *interface, uint32_t id);
void xdp_record_remove(const char *run_directory, const char *interface);

#endif
