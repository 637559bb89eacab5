// SPDX-License-Identifier: BSD-3-Clause
// The next member when one has failed (RFC 3261 16.7, 16.8, 16.9). A request outside a dialog has one branch
// at a time that counts, server->other; when that one fails, a new client transaction with another member
// takes its place and it is abandoned. The new request is the old one's but for the branch parameter of our
// Via.
//
// A branch fails when
//   - nothing at all came within failover.after, or until timer B of an INVITE;
//   - a final status of failover.statuses came;
//   - ICMP says that its member cannot be reached, which counts as 503 (16.9).
// Then the next one begins, unless a 18x has gone upstream, the caller or the operator has cancelled, a 6xx
// came from anywhere (16.7 step 5), failover.attempts members were tried, no member is left that was not and
// that has room, or this worker's transactions are three quarters full: what a flood of failures makes is
// bounded.
//
// What an abandoned branch still says: its first 1xx is answered by CANCEL (9.1: not before); its refusal is
// acknowledged and may be the best one in the end; its 2xx goes upstream as every 2xx does (16.7 step 5),
// makes its member that of the call, and cancels the branch that counted (step 10). With nothing left to try,
// the best response of all branches goes upstream: best.h.
#ifndef DIALGATE_PATH_FAILOVER_H
#define DIALGATE_PATH_FAILOVER_H

#include "worker_core.h"

// A request was sent to a member outside a dialog: arms failover.after.
void failover_watch(struct worker *worker, uint32_t client);
// failover.after has passed (TRANSACTION_DO_FAILOVER).
void failover_slow(struct worker *worker, uint32_t client);
// Timer B or F has run out. True: nothing is left to do for this branch; false: its request has failed.
bool failover_lost(struct worker *worker, uint32_t client);
// A response that is to be delivered. True: nothing of it goes upstream, or only what it was worth.
bool failover_absorbs(struct worker *worker, struct work *work);
// Whether a provisional response to this branch is answered by CANCEL.
bool failover_is_unwanted(struct worker *worker, uint32_t client);
// ICMP: what this branch sends does not arrive (16.9, 17.1.4). False: it was answered before, or it is a
// request of ours; nothing has happened then.
bool failover_unreachable(struct worker *worker, uint32_t client);
// A response to the INVITE of this branch belongs to this record: the call is where the branch went.
void failover_follow(struct worker *worker, uint32_t client, uint32_t dialog);

#endif
