// SPDX-License-Identifier: BSD-3-Clause
// What a data plane tells of applications, held against what was asked of it: each command is DONE once, each
// request of ours has one final answer, each request that waits for an answer is told once, each dialog's end
// is told once, and nothing of it comes afterwards.
#ifndef DIALGATE_TESTS_FUZZ_APPLICATION_TOLD_H
#define DIALGATE_TESTS_FUZZ_APPLICATION_TOLD_H

#include <stdbool.h>
#include <stdint.h>
#include "dialgate/channel_ua.h"

#define TOLD_ROWS 512u

struct told_command {
    uint8_t op;
    bool in_dialog;
    bool done;
    int result;
    unsigned finals;
    uint64_t dialog;
};

struct told_dialog {
    uint64_t handle;
    bool application; // else it is a proxied one
    bool ended, released;
};

struct told_request { // of the far end
    uint64_t handle;
    bool cancelled;
};

struct told {
    bool deaf; // at some time nobody listened: what was told then is not known
    uint32_t commands_count, dialogs_count, requests_count;
    struct told_command commands[TOLD_ROWS]; // by tag - 1
    struct told_dialog dialogs[TOLD_ROWS];
    struct told_request requests[TOLD_ROWS];
};

void told_begin(struct told *told);
// The tag of the next command.
uint64_t told_command(struct told *told, enum channel_ua_op op, uint64_t dialog);
void told_event(struct told *told, const struct channel_ua_event *event);
// All timers have run.
void told_end(const struct told *told);

#endif
