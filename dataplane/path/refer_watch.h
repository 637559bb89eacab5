// SPDX-License-Identifier: BSD-3-Clause
// Transfers between peers as they pass: control is told (CHANNEL_UA_REFERRAL) and keeps them. Nothing waits
// for that, and nothing that passes is changed by it.
//
// A REFER is told with its CSeq as its sender counts, and so is what belongs to it: requests of ours may have
// shifted the numbers between the two sides (state/dialog_cseq.c), and only here is it known by how much.
//
// Events of applications' calls need the same ring. Of transfers none goes into it that is half full, so that
// a peer that sends NOTIFYs without end takes no application's events away.
#ifndef DIALGATE_PATH_REFER_WATCH_H
#define DIALGATE_PATH_REFER_WATCH_H

#include <stdint.h>

struct worker;
struct work;

// route.c, route_inside.c: a request between peers has gone on. Tells a REFER, and a NOTIFY of Event refer.
void refer_watch_request(struct worker *worker, const struct work *work);
// Likewise, a request that was answered with this status here. Tells a REFER.
void refer_watch_refused(struct worker *worker, const struct work *work, uint16_t status);
// response.c: a response between peers has gone on. Tells that to a REFER.
void refer_watch_response(struct worker *worker, const struct work *work);

#endif
