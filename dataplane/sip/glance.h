// SPDX-License-Identifier: BSD-3-Clause
// The quick look at an INVITE that is only to be refused.
#ifndef DIALGATE_SIP_GLANCE_H
#define DIALGATE_SIP_GLANCE_H

#include "message.h"

#define GLANCE_VIAS_MAX 16u // lines; who has more is parsed

// True for an INVITE of which Via, From, To, Call-ID and CSeq have the shape that nearly all have. message is
// then what message_parse() would have made of it, but without Request-URI, From-tag, Max-Forwards and body,
// and of the header lines there are those of Via alone. In what is left out there may be a fault, of a kind
// that gets an answer (judge.h); there is none in the rest. False: it may be anything, parse it; message is
// then undefined. Agrees with message_parse() on every input (tests/fuzz proves it).
bool message_glance(const uint8_t *octets, uint32_t length, struct message *message);

#endif
