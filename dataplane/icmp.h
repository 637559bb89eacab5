// SPDX-License-Identifier: BSD-3-Clause
// What an ICMP error says about a request of ours. All of it is a stranger's word; path/unreachable.h tells
// what makes it true.
#ifndef DIALGATE_ICMP_H
#define DIALGATE_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Whether an error of this type and code means that what it quotes did not arrive (RFC 3261 18.4).
bool icmp_is_unreachable(uint8_t type, uint8_t code);

// The branch of the topmost Via in the quoted beginning of a datagram that we sent, when it has the form of a
// client transaction's: COOKIE_BRANCH_LENGTH octets, not checked further. NULL for responses, for ACK and
// CANCEL, which have the branch of an INVITE that has its answer, and when the quotation ends before it.
const char *icmp_branch(const void *quoted, size_t length);

#endif
