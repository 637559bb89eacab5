// SPDX-License-Identifier: BSD-3-Clause
// Files of SIP messages.
#ifndef DIALGATE_CTL_SIP_CHECK_H
#define DIALGATE_CTL_SIP_CHECK_H

#include <stdint.h>

struct ctl;

// Reads a file ("-": standard input) whole, at most one octet more than a datagram holds. Returns the octets,
// for free(), or NULL after one line on stderr.
uint8_t *sip_read_file(const struct ctl *ctl, const char *path, uint32_t *length);

#endif
