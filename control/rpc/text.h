// SPDX-License-Identifier: BSD-3-Clause
// SIP text is arbitrary octets, JSON is UTF-8, and what is printed must not steer a terminal. Octets that are
// no valid UTF-8, control characters and the backslash itself are written \xHH: printable, and reversible
// without loss.
#ifndef DIALGATE_CONTROL_RPC_TEXT_H
#define DIALGATE_CONTROL_RPC_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "dialgate/snapshot.h"

#define ADDRESS_TEXT_SIZE 64

// A new JSON string, NULL without memory.
json_t *text_json(const char *octets, size_t length);

// The octets of an escaped text, at most size of them, without a NUL. Returns how many, or -1: a broken
// escape, or too long.
long text_octets(const char *text, char *octets, size_t size);

// "10.0.0.1" or "10.0.0.1:5060" (port 0: left out). Returns buffer.
const char *text_address(const struct ip_address *address, unsigned int port, char buffer[ADDRESS_TEXT_SIZE]);

// A source of packets: an address, or a prefix such as 2001:db8::/64. Returns buffer.
const char *text_source(const struct ip_address *address, unsigned int length,
                        char buffer[ADDRESS_TEXT_SIZE]);
// The address that a text gives, IPv4 or IPv6. False: none.
bool text_read_address(const char *text, struct ip_address *address);
// An address, or a prefix as text_source() writes one; then the length is that of the 128-bit form, else 0.
// False: neither.
bool text_read_source(const char *text, struct ip_address *address, unsigned int *length);

// Why a member is down (counters.h): "no answer", "unreachable", "answers 503". Returns buffer.
#define REASON_TEXT_SIZE 24
const char *text_member_reason(unsigned int reason, char buffer[REASON_TEXT_SIZE]);

#endif
