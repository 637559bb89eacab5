// SPDX-License-Identifier: BSD-3-Clause
// New calls a second of each peer over the last seconds, from totals that are looked at once a second.
#ifndef DIALGATE_CONTROL_RATES_H
#define DIALGATE_CONTROL_RATES_H

#include <stdint.h>

struct control;
struct rates;

// control must outlive it. NULL without memory.
struct rates *rates_create(const struct control *control);
void rates_destroy(struct rates *rates); // NULL is allowed

// The mean of the last ten seconds, or of as long as the dataplane runs; 0 for what is not known.
struct rate {
    double in;
    double out;
};
struct rate rates_of(const struct rates *rates, uint32_t peer);

#endif
