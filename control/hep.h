// SPDX-License-Identifier: BSD-3-Clause
// A captured message as HEP version 3, the Homer Encapsulation Protocol (HEP3 Network Protocol Specification,
// rev. 32): "HEP3", the length of the whole, and chunks of vendor (0: generic), type, length, value; all in
// network order.
#ifndef DIALGATE_CONTROL_HEP_H
#define DIALGATE_CONTROL_HEP_H

#include <stddef.h>
#include "capture_packet.h"

// What a datagram of UDP holds. A message that does not fit with its chunks is not sent.
#define HEP_MAX 65507u

struct hep_sender {
    uint32_t agent;   // capture agent's number
    const char *node; // its name, at most 64 octets
};

struct hep_text {
    const void *octets;
    size_t length;
};

// A SIP message with its Call-ID (empty: none) as correlation id. Returns octets of out, which has HEP_MAX;
// 0: it does not fit.
size_t hep_sip(const struct hep_sender *sender, const struct capture_packet *packet, struct hep_text call_id,
               void *out);

// A line of log that belongs to the message (its addresses, time and Call-ID): why it was dropped.
size_t hep_log(const struct hep_sender *sender, const struct capture_packet *packet, struct hep_text call_id,
               void *out);

#endif
