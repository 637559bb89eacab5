// SPDX-License-Identifier: BSD-3-Clause
// A worker with the configuration of the unit tests.
#ifndef DIALGATE_PERF_GOODPUT_BENCH_H
#define DIALGATE_PERF_GOODPUT_BENCH_H

#include "wire/plane.h"

// beside: an application is configured, which has no calls. plane_close() ends it.
struct plane *goodput_open(const struct plane_wire *wire, bool beside);

#endif
