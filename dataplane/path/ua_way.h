// SPDX-License-Identifier: BSD-3-Clause
#ifndef DIALGATE_PATH_UA_WAY_H
#define DIALGATE_PATH_UA_WAY_H

#include "ua_draft.h"

// Route, peer, member and where to, by the draft in worker->kept; a call is within the limits and counted
// then. Returns 0, -ENETUNREACH or -EBUSY.
int ua_way_find(struct worker *worker, struct placed *placed);

#endif
