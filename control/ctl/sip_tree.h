// SPDX-License-Identifier: BSD-3-Clause
// What the SIP language understands of a message, as JSON.
#ifndef DIALGATE_CTL_SIP_TREE_H
#define DIALGATE_CTL_SIP_TREE_H

#include <jansson.h>
#include "message.h"

// Octets as a JSON string. JSON holds only UTF-8: in text that is none, octets above ASCII become \xHH.
json_t *sip_text(const uint8_t *octets, struct span span);

// {"kind":"request"|"response"|"none", "method", "request_uri", "status", "reason",
// "headers":[{"name","value","means"}],
//  "body":{"octets","text"}}. "means" is there where a reader knows the header, and false where it refused
//  the value.
json_t *sip_tree(const struct message *message, int fault);

// The meaning of one header value, NULL where no reader knows the kind.
json_t *sip_value(unsigned kind, const uint8_t *octets, struct span value);

#endif
