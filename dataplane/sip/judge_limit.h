// SPDX-License-Identifier: BSD-3-Clause
// Private to dataplane/sip.
#ifndef DIALGATE_SIP_JUDGE_LIMIT_H
#define DIALGATE_SIP_JUDGE_LIMIT_H

#include "judge.h"

struct judge_excess {
    uint16_t status; // 0: within all limits
    const char *reason;
};

// The first limit that a message without fault exceeds.
struct judge_excess judge_limit(const struct message *message, const struct judge_limits *limits);

#endif
