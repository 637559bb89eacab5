// SPDX-License-Identifier: BSD-3-Clause
// The quick look at an INVITE that is only to be refused.
#ifndef DIALGATE_SIP_GLANCE_H
#define DIALGATE_SIP_GLANCE_H

#include "message.h"

#define GLANCE_VIAS_MAX 16u // lines; who has more is parsed

// True for an INVITE in the shape that nearly all have, in which message_parse() would find no fault;
// message is what that would have made of it, but for the header lines, of which there are those of Via
// alone. False: it may be anything, parse it; message is then undefined. Agrees with message_parse() on every
// input (tests/fuzz proves it).
bool message_glance(const uint8_t *octets, uint32_t length, struct message *message);

#endif
