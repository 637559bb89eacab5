// SPDX-License-Identifier: BSD-3-Clause
#ifndef DIALGATE_PERF_REPORT_H
#define DIALGATE_PERF_REPORT_H

#include <stdio.h>
#include "wire.h"

// For a reader, on standard output.
void report_print(const struct wire_options *options, const struct wire_result *result);
// For perf/run: rounds, stages. Returns 0, or -1 with errno set.
int report_json(const struct wire_result *result, const char *file);

#endif
