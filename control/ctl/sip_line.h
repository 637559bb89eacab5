// SPDX-License-Identifier: BSD-3-Clause
// What a message would meet at a front end or a user agent, in a line.
#ifndef DIALGATE_CTL_SIP_LINE_H
#define DIALGATE_CTL_SIP_LINE_H

#include "judge.h"

#define SIP_LINE_MAX 160u // a method is cut before that

// A user agent with every method and extension that Dialgate's own have, and their limits.
const struct judge_options *sip_check_ua(void);

// Writes "ok INVITE", "ok 200", "reject 400 Bad Via" or "drop" into line and returns the verdict.
struct message_verdict sip_check_line(const uint8_t *octets, uint32_t length,
                                      const struct judge_options *options, char line[SIP_LINE_MAX]);

#endif
