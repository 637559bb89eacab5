// SPDX-License-Identifier: BSD-3-Clause
// The counters file on the socket of DPDK's telemetry (dpdk-telemetry.py), beside what DPDK itself tells
// there:
//
//   /dialgate/workers             numbers of the workers
//   /dialgate/counters            every counter, summed over the workers
//   /dialgate/counters,WORKER     of one worker
//   /dialgate/histograms          count and sum (in steps, counters.h) of each histogram
//   /dialgate/histograms,NAME     its buckets: upper bound and values, those that are empty left out
//   /dialgate/peers,NUMBER        of one peer, by its permanent number, summed over the workers
//   /dialgate/members,NUMBER      of one member
//   /dialgate/networks            packet buffers, and what the drivers say of each network
//
// Names are those of the rows of counters.h in lower case. The socket is DPDK's own: root's, in its runtime
// directory. Its threads call in here; they read words that are written atomically, and nothing else.
#ifndef DIALGATE_TELEMETRY_H
#define DIALGATE_TELEMETRY_H

#include "counters_file.h"
#include "fault.h"

// Returns 0 or -errno with fault. The counters outlive EAL, or telemetry_end() comes before them.
int telemetry_begin(const struct counters_file *counters, struct fault *fault);
void telemetry_end(void);

#endif
