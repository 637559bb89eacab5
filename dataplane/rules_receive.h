// SPDX-License-Identifier: BSD-3-Clause
// A configuration as control hands it over: a descriptor and what its message says of it.
#ifndef DIALGATE_RULES_RECEIVE_H
#define DIALGATE_RULES_RECEIVE_H

#include "dialgate/channel.h"
#include "fault.h"
#include "rules.h"

// Checks the descriptor (seals, size) and the image in it. Returns new rules, or NULL with fault and errno.
// fd stays the caller's.
struct rules *rules_receive(int fd, const struct channel_snapshot *snapshot, struct fault *fault);

#endif
