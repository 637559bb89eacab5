// SPDX-License-Identifier: BSD-3-Clause
// What a worker has of the ua service (ua.h). Without applications usages.capacity is 0, and the rest is
// NULL.
#ifndef DIALGATE_PATH_UA_MEMORY_H
#define DIALGATE_PATH_UA_MEMORY_H

#include "merged.h"
#include "ua_claim.h"
#include "usage.h"

struct ua {
    struct usages usages;
    struct merged merged; // requests outside dialogs that applications serve
    uint64_t *tags;       // of client transactions' commands, by index of the transaction
    struct ua_claim claims[UA_CLAIMS];
    char lines[4096]; // header lines that go into a message of ours
};

#endif
