// SPDX-License-Identifier: BSD-3-Clause
// Notes of what the software filter drops, for control (dialgate/filter_notes.h): one drop in
// PREFILTER_DROP_SAMPLE, by chance, with the limits that the XDP program has. The others cost a
// multiplication.
#ifndef DIALGATE_PATH_FILTER_NOTE_H
#define DIALGATE_PATH_FILTER_NOTE_H

#include <stdint.h>
#include "dialgate/address.h"
#include "dialgate/filter_notes.h"

struct filter_policy;
struct worker;

struct filter_drop {
    const struct ip_address *source; // whole
    const uint8_t *payload;          // of UDP; NULL: a fragment that has none
    uint32_t length;                 // of payload
    uint16_t source_port;            // host order, 0: a fragment without ports
    uint16_t port;                   // of ours, likewise
    uint16_t class;                  // a peer's number or PREFILTER_STRANGERS
    uint8_t reason;                  // enum prefilter_reason; in dry-run too the drop's own
    uint8_t network;
};

// parts.filter_notes may be NULL: nothing is noted.
void filter_note(struct worker *worker, const struct filter_policy *policy, const struct filter_drop *drop);

#endif
