// SPDX-License-Identifier: BSD-3-Clause
// Session timers of a request that came for an application (RFC 4028 section 9).
#ifndef DIALGATE_PATH_UA_SESSION_H
#define DIALGATE_PATH_UA_SESSION_H

#include "ua.h"

// What is answered to an INVITE or UPDATE.
struct session_answer ua_session_answer(const struct worker *worker, uint16_t application,
                                        const struct message *request);
// Supported or Require, and Require alone, list the extension.
bool ua_offers(const struct message *message, const char *extension);
bool ua_requires(const struct message *message, const char *extension);
// The lines of the 2xx or of the 422. Nothing when there are none.
void ua_session_write(struct writer *writer, const struct session_answer *answer);

#endif
