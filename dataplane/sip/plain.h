// SPDX-License-Identifier: BSD-3-Clause
// Values in the shape that nearly all have, read from mark to mark: no white space but where everybody writes
// one, no fold, comment, escape, IPv6 reference or list. Each function returns false where the shape is
// another, right or wrong: the readers of the whole grammar decide then, and where it returns true they would
// have read the same (tests/fuzz proves it). Private to dataplane/sip.
#ifndef DIALGATE_SIP_PLAIN_H
#define DIALGATE_SIP_PLAIN_H

#include "mark.h"

// octets are those of the message, whose part `value` is marked where it is plain.

// One Via value, as via_read(). via is cleared first.
bool plain_via(const struct marks *marks, const uint8_t *octets, struct span value, struct via *via);

// One name-addr with its parameters, as address_read().
bool plain_party(const struct marks *marks, const uint8_t *octets, struct span value, struct span *tag);

// A sip URI without headers, as uri_parse().
bool plain_sip_uri(const struct marks *marks, const uint8_t *octets, struct span text);

// Visible ASCII.
bool plain_visible(const struct marks *marks, const uint8_t *octets, struct span value);

// CSeq, as cseq_split().
bool plain_cseq(const struct marks *marks, const uint8_t *octets, struct span value, uint32_t *number,
                struct span *method_name);

// 1*9DIGIT up to limit and nothing else.
bool plain_number(const uint8_t *octets, struct span value, uint32_t limit, uint32_t *number);

#endif
