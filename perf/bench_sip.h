// SPDX-License-Identifier: BSD-3-Clause
// The parsers that stand beside ours. Each has a C file of its own, since their headers and ours share names.
#ifndef DIALGATE_PERF_BENCH_SIP_H
#define DIALGATE_PERF_BENCH_SIP_H

#include "corpus.h"

// Each parses one message into the fields that a front end needs (Request-URI, Via branch, From and To tags,
// Call-ID, CSeq, Max-Forwards, Route, Contact) and frees what that took. Returns 0, or -1 when it refuses the
// text.
int sofia_parse_one(const struct corpus *text);
int osip_parse_one(const struct corpus *text);
int re_parse_one(const struct corpus *text);

void osip_prepare(void);

// Registers a row for each peer that this build has and each text.
void bench_sip_peers(void);

#endif
