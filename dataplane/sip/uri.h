// SPDX-License-Identifier: BSD-3-Clause
// SIP URIs and the headers that carry them, read on demand from a parsed message (RFC 3261 19.1, 20.10, 25.1).
// Offsets are relative to the same octets as the span that was handed in.
#ifndef DIALGATE_SIP_URI_H
#define DIALGATE_SIP_URI_H

#include "message.h"

enum uri_scheme { URI_SIP, URI_SIPS, URI_TEL, URI_OTHER };

struct uri {
    uint8_t scheme; // enum uri_scheme
    bool has_port;
    uint16_t port; // 0 when not given
    struct span user;     // without password; length 0: none
    struct span host;     // an IPv6 reference keeps its brackets
    struct span parameters; // from behind the first semicolon, without headers
    struct span headers;  // behind the question mark
};

// Reads a URI. Returns 0 or -1 when it is none. For tel and others only scheme is set.
int uri_parse(const uint8_t *octets, struct span text, struct uri *uri);

// Finds parameter `name` (compared without case) in ;a;b=c text. Returns false when absent; value length 0 when it has none.
bool uri_parameter(const uint8_t *octets, struct span parameters, const char *name, struct span *value);

// One value of Route, Record-Route, Contact, From or To.
struct address {
    struct span whole;      // this value, without the comma
    struct span uri;        // between the angle brackets, or the bare addr-spec
    struct span parameters; // header parameters, from behind the first semicolon after the URI
};

// Walks comma-joined values: *at starts as 0 and is an offset into `value` afterwards. Returns 1 with an address, 0 at the
// end, -1 where the text is no address.
int address_next(const uint8_t *octets, struct span value, uint32_t *at, struct address *address);

// Walks Via values the same way.
int via_next(const uint8_t *octets, struct span value, uint32_t *at, struct via *via);

// Reads a dotted IPv4 address. Returns 0 and address in host order, or -1 when the text is none (names, IPv6).
int uri_host_ipv4(const uint8_t *octets, struct span host, uint32_t *address);

// Compares two SIP header tokens without case.
bool span_is(const uint8_t *octets, struct span span, const char *text);

#endif
