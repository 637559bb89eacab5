// SPDX-License-Identifier: BSD-3-Clause
// What probes have found of members, over a restart of the process: a member that was down stays down, since
// the same moment and for the same reason, until a probe says otherwise. One small file in the state
// directory, written when a member's health has changed. Times are of the monotonic clock, so that what
// another boot of the machine wrote is nobody's.
#ifndef DIALGATE_HEALTH_H
#define DIALGATE_HEALTH_H

#include "counters_file.h"
#include "rules.h"

#define HEALTH_BOOT_ID 16u

struct health {
    const struct counters_file *counters; // made for so many workers
    const struct rules *rules;
    unsigned workers;
    const uint8_t *boot_id; // HEALTH_BOOT_ID octets
    const char *state_directory;
};

// Returns 0 or -errno; the file that was there stays then.
int health_save(const struct health *health);
// Before the workers start. Sets the health of members that are still where they were and are probed, and
// returns how many these are; what is no file of this boot is none.
unsigned health_restore(const struct health *health, uint64_t now_ms);

#endif
