// SPDX-License-Identifier: BSD-3-Clause
// What an ICMP error says about a request of ours. All of it is a stranger's word; path/unreachable.h tells
// what makes it true.
#ifndef DIALGATE_ICMP_H
#define DIALGATE_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum icmp_meaning {
    ICMP_MEANS_NOTHING,     // to us
    ICMP_MEANS_UNREACHABLE, // what it quotes did not arrive, and will not (RFC 3261 18.4)
    ICMP_MEANS_TOO_BIG      // what it quotes was too long for the next link (RFC 1191, RFC 8201)
};

// Of an error of this type and code (RFC 792, RFC 4443). A hop limit that ran out says nothing of the far end
// (18.4).
enum icmp_meaning icmp_meaning(bool ipv6, uint8_t type, uint8_t code);

// The branch of the topmost Via in the quoted beginning of a datagram that we sent, when it has the form of a
// client transaction's: COOKIE_BRANCH_LENGTH octets, not checked further. NULL for responses, for ACK and
// CANCEL, which have the branch of an INVITE that has its answer, and when the quotation ends before it.
const char *icmp_branch(const void *quoted, size_t length);

#endif
