// SPDX-License-Identifier: BSD-3-Clause
// Strict routers (RFC 2543; RFC 3261 16.4, 16.6 step 6, 12.2.1.1): they put the next Route value into the
// Request-URI and the request's own target at the end of Route.
#ifndef DIALGATE_PATH_STRICT_H
#define DIALGATE_PATH_STRICT_H

#include "worker_core.h"

// 16.4: makes a request as a loose router would have sent it. Where the Request-URI is a Record-Route value
// of ours, the last Route value takes its place, and work has our cookie; where its maddr names us, that
// goes. work->message may be another one afterwards, with octets of its own. Returns the listener that our
// value named, NUMBER_NONE: it was none.
uint16_t strict_restore(struct worker *worker, struct work *work);
// The same when Route was empty: the target is the one that the dialog's record knows. False, and nothing
// happens, when the Request-URI is not a value of ours (any more).
bool strict_restore_target(struct worker *worker, struct work *work);

// Whether a URI of Route or Record-Route is that of a strict router: without lr (19.1.1).
bool strict_is(const uint8_t *octets, struct span uri);
// The URI without what a Request-URI may not have (19.1.1): method and headers.
void strict_write_uri(struct writer *writer, const uint8_t *octets, struct span uri);
// 16.6 step 6: edits for a request whose next Route value is a strict router's. route: what changes in the
// Request-URI, or NULL.
void strict_edit(struct worker *worker, const struct work *work, const struct snapshot_route *route);

#endif
