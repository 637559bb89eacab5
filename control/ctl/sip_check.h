// SPDX-License-Identifier: BSD-3-Clause
// What a message would meet at a front end or a user agent, in a line. Needs no daemon.
#ifndef DIALGATE_CTL_SIP_CHECK_H
#define DIALGATE_CTL_SIP_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include "judge.h"

#define SIP_LINE_MAX 160u // a method is cut before that

// A user agent with every method and extension that Dialgate's own have, and their limits.
const struct judge_options *sip_check_ua(void);

// Writes "ok INVITE", "ok 200", "reject 400 Bad Via" or "drop" into line and returns the verdict.
struct message_verdict sip_check_line(const uint8_t *octets, uint32_t length,
                                      const struct judge_options *options, char line[SIP_LINE_MAX]);

// Reads a file ("-": standard input) whole, at most one octet more than a datagram holds. Returns the octets,
// for free(), or NULL after one line on stderr.
uint8_t *sip_read_file(const char *path, uint32_t *length);

#endif
