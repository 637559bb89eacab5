// SPDX-License-Identifier: BSD-3-Clause
// The two halves of a dialog's route set as they lie in Record-Route (RFC 3261 12.1). In a response ours
// stand in the middle: above them is the way to the callee, below them the way to the caller. A call that
// passes us twice has values of ours twice; their cookies tell the passages apart.
#ifndef DIALGATE_PATH_ROUTE_SET_H
#define DIALGATE_PATH_ROUTE_SET_H

#include "worker_core.h"

// The cookie in a Route or Record-Route value of ours; false: the value is not ours, or nothing that we
// signed.
bool route_set_cookie(const struct worker *worker, const struct message *message,
                      const struct address *address, struct cookie_route *cookie);
// Comma-joined values in the order in which a request to that side lists them; empty without any, or when
// there are more than ROUTE_SET_MAX. In worker->scratch until the next call. mine: of this passage; NULL in
// the INVITE itself, where everything is the caller's.
#define ROUTE_SET_MAX 16u
struct dialog_string route_set_of_caller(struct worker *worker, const struct message *message,
                                         const struct cookie_route *mine);
struct dialog_string route_set_of_callee(struct worker *worker, const struct message *message,
                                         const struct cookie_route *mine);
// Of a response to an INVITE of our own: all of it is the callee's.
struct dialog_string route_set_of_answer(struct worker *worker, const struct message *message);

#endif
