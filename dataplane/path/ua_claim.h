// SPDX-License-Identifier: BSD-3-Clause
// Dialogs of applications that a new call is about to replace (RFC 3891). Which one a Replaces names is
// looked for on the core that owns its Call-ID, wherever the new call is; who has found it holds it, so that
// no other call replaces it, too. What the dialog does meanwhile goes its way.
#ifndef DIALGATE_PATH_UA_CLAIM_H
#define DIALGATE_PATH_UA_CLAIM_H

#include <stdbool.h>
#include <stdint.h>
#include "wheel.h"

struct ua_command;
struct worker;

#define UA_CLAIMS 256u // of a worker at once
struct ua_claim {      // not all are live
    uint32_t dialog;   // index
    uint32_t generation;
    tick_t until;
    uint32_t control; // that holds it, as worker_parts.ua_heard; 0: unused
    bool early_only;  // ends when the dialog is confirmed
};

// CLAIM by a Replaces, which sets command->dialog, or of a `dialog` that is claimed: to go on, or to end.
// Returns 0 or -errno as channel_ua.h has them.
int ua_claim(struct worker *worker, struct ua_command *command);
// Ends the claim of this dialog. False: there is none any more.
bool ua_claim_end(struct worker *worker, uint32_t dialog);

#endif
