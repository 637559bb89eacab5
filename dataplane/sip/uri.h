// SPDX-License-Identifier: BSD-3-Clause
// SIP URIs and the headers that carry them, read on demand from a parsed message (RFC
// 3261 19.1, 20.10, 25.1). Offsets are relative to the same octets as the span that was handed in.
#ifndef DIALGATE_SIP_URI_H
#define DIALGATE_SIP_URI_H

#include "dialgate/address.h"
#include "message.h"

enum uri_scheme { URI_SIP, URI_SIPS, URI_TEL, URI_URN, URI_OTHER };

struct uri {
    uint8_t scheme; // enum uri_scheme
    bool has_port;
    uint16_t port; // 0 when not given
    struct span scheme_name;
    struct span rest;       // behind the scheme's colon
    struct span user;       // without password; length 0: none
    struct span password;   // offset 0: none
    struct span host;       // an IPv6 reference keeps its brackets
    struct span parameters; // from behind the first semicolon, without headers; offset 0: none
    struct span headers;    // behind the question mark; offset 0: none
};

// Reads a URI. Returns 0 or -1 when it is none. Of tel and others only scheme, scheme_name and rest are set.
int uri_parse(const uint8_t *octets, struct span text, struct uri *uri);

// Finds parameter `name` (lower case letters, digits and hyphens; compared without case) in ;a;b=c text.
// Returns false when absent; value length 0 when it has none.
bool uri_parameter_find(const uint8_t *octets, struct span parameters, const char *name, size_t length,
                        struct span *value);
// The same of a literal; many URIs have no parameters.
static inline bool uri_parameter(const uint8_t *octets, struct span parameters, const char *name,
                                 struct span *value)
{
    return parameters.length != 0 &&
           uri_parameter_find(octets, parameters, name, __builtin_strlen(name), value);
}

// Walks ;a;b=c text: *at starts as 0. Returns false at the end. A value keeps its quotes; length 0: none.
bool uri_parameter_next(const uint8_t *octets, struct span parameters, uint32_t *at, struct span *name,
                        struct span *value);

// Walks the a=b&c=d of a URI's headers: *at starts as 0. Returns 1 with one, 0 at the end, -1 where there is
// no name or no "=" (RFC 3261 25.1). Both are escaped: see write_unescaped().
int uri_header_next(const uint8_t *octets, struct span headers, uint32_t *at, struct span *name,
                    struct span *value);

// Whether two URIs, each in octets of its own, are equivalent: RFC 3261 19.1.4 (with RFC 5954 for IPv6
// addresses), RFC 3966 section 4 for tel; others are compared octet by octet behind scheme and, of urn, the
// namespace. false also when one is no URI, or has more than URI_PARTS_MAX parameters or headers.
#define URI_PARTS_MAX 64u
bool uri_equal(const uint8_t *octets, struct span text, const uint8_t *other_octets, struct span other);

// One value of Route, Record-Route, Contact, From or To.
struct address {
    struct span whole;      // this value, without the comma
    struct span display;    // display name, with its quotes; length 0: none
    struct span uri;        // between the angle brackets, or the bare addr-spec
    struct span parameters; // header parameters, from behind the first semicolon after the URI
};

// Walks comma-joined values: *at starts as 0 and is an offset into `value` afterwards. Returns 1 with an
// address, 0 at the end, -1 where the text is no address.
int address_next(const uint8_t *octets, struct span value, uint32_t *at, struct address *address);

// Walks Via values the same way.
int via_next(const uint8_t *octets, struct span value, uint32_t *at, struct via *via);

// What a Via may hold beyond struct via.
struct via_parameters {
    struct span maddr;
    struct span oc;           // RFC 7339 4.1; a request's has no value
    struct span oc_algorithm; // oc-algo without its quotes
    struct span oc_sequence;  // oc-seq
    uint32_t oc_validity_ms;  // 500 when not given (RFC 7339 4.3)
    uint8_t ttl;
    bool has_ttl;
    bool has_oc;
};

// Reads them (RFC 3261 20.42, RFC 7339). Returns 0, or -1 when one is repeated or out of its range.
int via_parameters_read(const uint8_t *octets, const struct via *via, struct via_parameters *parameters);
// Whether the sender of this Via takes part in overload control by loss (RFC 7339 4.1, 4.2, 5.1).
bool via_takes_overload(const uint8_t *octets, const struct via *via, struct via_parameters *parameters);

// Reads a dotted IPv4 address. Returns 0 and address in host order, or -1 when the text is none (names,
// IPv6).
int uri_host_ipv4(const uint8_t *octets, struct span host, uint32_t *address);

// Reads an IPv6 address, with or without brackets (RFC 4291 2.2). Returns 0, or -1 when the text is none.
int uri_host_ipv6(const uint8_t *octets, struct span host, uint8_t address[16]);

// Reads an address of either kind. Returns 0, or -1 when the text is none, or one that names nobody: the
// unspecified one, IPv4 in the clothes of IPv6, one with a zone.
int uri_host_ip(const uint8_t *octets, struct span host, struct ip_address *address);

// Compares two SIP header tokens without case.
bool span_is(const uint8_t *octets, struct span span, const char *text);

#endif
