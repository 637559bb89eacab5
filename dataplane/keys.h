// SPDX-License-Identifier: BSD-3-Clause
// The boot secrets: what hashes Call-IDs and signs cookies. Kept in the state directory, so that a restart
// knows the cookies that it finds in messages of calls begun before.
#ifndef DIALGATE_KEYS_H
#define DIALGATE_KEYS_H

#include "cookie.h"
#include "fault.h"

// Reads STATE/keys or makes new ones and stores them. A file that is damaged, that another user owns or that
// others could read is replaced with a line in the log: its secrets may be known, and in-dialog requests
// still find their dialog by Call-ID and tags. Returns 0 or -errno with fault.
int keys_open(const char *state_directory, struct cookie_keys *keys, struct fault *fault);

#endif
