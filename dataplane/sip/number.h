// SPDX-License-Identifier: BSD-3-Clause
// Values that are one number: Expires, Min-Expires, RSeq, Max-Forwards, Max-Breadth, Flow-Timer,
// Content-Length.
#ifndef DIALGATE_SIP_NUMBER_H
#define DIALGATE_SIP_NUMBER_H

#include "message.h"

// Reads text that is 1*DIGIT and at most limit. Returns 0, or -1 and number is 0.
int number_read(const uint8_t *octets, struct span text, uint32_t limit, uint32_t *number);

// Reads a qvalue (RFC 3261 25.1): "0" to "1" with at most three decimals, in thousandths. Returns 0, or -1.
int number_read_q(const uint8_t *octets, struct span text, uint16_t *thousandths);

#endif
