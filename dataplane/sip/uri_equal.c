// SPDX-License-Identifier: BSD-3-Clause
// Equivalence of URIs. Parameters and headers may stand in any order: each of one is looked for in the other,
// at most URI_PARTS_MAX times URI_PARTS_MAX comparisons.
#include "escape.h"
#include "scan.h"
#include "tel.h"
#include "uri.h"

struct side {
    const uint8_t *octets;
    struct uri uri;
};

static unsigned lower(unsigned unit)
{
    return unit >= 'A' && unit <= 'Z' ? unit | 0x20 : unit;
}

// RFC 3261 19.1.4: an octet outside the reserved set equals its escape.
static bool same_escaped(const struct side *a, struct span left, const struct side *b, struct span right,
                         bool ignore_case)
{
    struct cursor one = cursor_of(a->octets, left);
    struct cursor two = cursor_of(b->octets, right);
    while (one.at < one.end && two.at < two.end) {
        unsigned unit, other;
        one.at = escape_unit(one.at, one.end, &unit);
        two.at = escape_unit(two.at, two.end, &other);
        if (ignore_case ? lower(unit) != lower(other) : unit != other)
            return false;
    }
    return one.at == one.end && two.at == two.end;
}

// RFC 5954 4.2: IPv6 addresses are compared as addresses.
static bool same_host(const struct side *a, const struct side *b)
{
    uint8_t one[16], two[16];
    if (uri_host_ipv6(a->octets, a->uri.host, one) == 0 && uri_host_ipv6(b->octets, b->uri.host, two) == 0)
        return memcmp(one, two, sizeof(one)) == 0;
    return same_escaped(a, a->uri.host, b, b->uri.host, true);
}

// 19.1.4: these never match their default value; all others are ignored where only one URI has them.
static bool counts_alone(const struct side *side, struct span name)
{
    static const char *const names[] = {"user", "ttl", "method", "maddr", "transport"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_is(side->octets, name, names[i]))
            return true;
    return false;
}

static bool find_parameter(const struct side *a, struct span wanted, const struct side *b, struct span *value)
{
    struct span name;
    for (uint32_t at = 0; uri_parameter_next(b->octets, b->uri.parameters, &at, &name, value);)
        if (same_escaped(a, wanted, b, name, true))
            return true;
    return false;
}

// Each parameter of a against those of b. every: one that b has not is a difference, whichever it is.
static bool parameters_within(const struct side *a, const struct side *b, bool every)
{
    struct span name, value, other;
    unsigned count = 0;
    for (uint32_t at = 0; uri_parameter_next(a->octets, a->uri.parameters, &at, &name, &value);) {
        if (++count > URI_PARTS_MAX)
            return false;
        if (!find_parameter(a, name, b, &other)) {
            if (every || counts_alone(a, name))
                return false;
        } else if (!same_escaped(a, value, b, other, true)) {
            return false;
        }
    }
    return true;
}

// 19.1.4: header components are never ignored.
static bool headers_within(const struct side *a, const struct side *b)
{
    struct span name, value, other_name, other;
    unsigned count = 0;
    int more;
    for (uint32_t at = 0; (more = uri_header_next(a->octets, a->uri.headers, &at, &name, &value)) == 1;) {
        bool found = false;
        if (++count > URI_PARTS_MAX)
            return false;
        for (uint32_t place = 0;
             !found && uri_header_next(b->octets, b->uri.headers, &place, &other_name, &other) == 1;)
            found = same_escaped(a, name, b, other_name, true) && same_escaped(a, value, b, other, false);
        if (!found)
            return false;
    }
    return more == 0;
}

static bool same_sip(const struct side *a, const struct side *b)
{
    return (a->uri.password.offset != 0) == (b->uri.password.offset != 0) &&
           a->uri.has_port == b->uri.has_port && a->uri.port == b->uri.port &&
           same_escaped(a, a->uri.user, b, b->uri.user, false) &&
           same_escaped(a, a->uri.password, b, b->uri.password, false) && same_host(a, b) &&
           parameters_within(a, b, false) && parameters_within(b, a, false) && headers_within(a, b) &&
           headers_within(b, a);
}

static const uint8_t *skip_separators(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == '-' || *at == '.' || *at == '(' || *at == ')'))
        at++;
    return at;
}

// RFC 3966 4: both global or both local, equal without visual separators, and the same parameters in any
// order.
static bool same_tel(struct side *a, struct side *b)
{
    struct tel one, two;
    if (tel_read(a->octets, a->uri.rest, &one) != 0 || tel_read(b->octets, b->uri.rest, &two) != 0)
        return false;
    struct cursor left = cursor_of(a->octets, one.number);
    struct cursor right = cursor_of(b->octets, two.number);
    for (;;) {
        left.at = skip_separators(left.at, left.end);
        right.at = skip_separators(right.at, right.end);
        if (left.at == left.end || right.at == right.end)
            break;
        if (lower(*left.at++) != lower(*right.at++))
            return false;
    }
    a->uri.parameters = one.parameters;
    b->uri.parameters = two.parameters;
    return left.at == left.end && right.at == right.end && parameters_within(a, b, true) &&
           parameters_within(b, a, true);
}

// RFC 8141 3.1: the namespace has no case, what is named in it has.
static bool same_urn(const struct side *a, const struct side *b)
{
    struct cursor one = cursor_of(a->octets, a->uri.rest);
    struct cursor two = cursor_of(b->octets, b->uri.rest);
    if (a->uri.rest.length != b->uri.rest.length)
        return false;
    bool in_name = true;
    for (; one.at < one.end; one.at++, two.at++) {
        if (in_name ? lower(*one.at) != lower(*two.at) : *one.at != *two.at)
            return false;
        in_name = in_name && *one.at != ':';
    }
    return true;
}

bool uri_equal(const uint8_t *octets, struct span text, const uint8_t *other_octets, struct span other)
{
    struct side a = {.octets = octets}, b = {.octets = other_octets};
    if (uri_parse(octets, text, &a.uri) != 0 || uri_parse(other_octets, other, &b.uri) != 0 ||
        a.uri.scheme != b.uri.scheme)
        return false;
    switch (a.uri.scheme) {
    case URI_SIP:
    case URI_SIPS:
        return same_sip(&a, &b);
    case URI_TEL:
        return same_tel(&a, &b);
    case URI_URN:
        return same_urn(&a, &b);
    default:
        return same_escaped(&a, a.uri.scheme_name, &b, b.uri.scheme_name, true) &&
               a.uri.rest.length == b.uri.rest.length &&
               memcmp(octets + a.uri.rest.offset, other_octets + b.uri.rest.offset, a.uri.rest.length) == 0;
    }
}
