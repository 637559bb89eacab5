// SPDX-License-Identifier: BSD-3-Clause
// Addresses in text (RFC 3261 25.1 host; RFC 4291 2.2; RFC 5954).
#include "scan.h"
#include "uri.h"

// Reads a number up to 255. Returns the octet behind it, or NULL. A leading zero means octal to some readers:
// such text is no address to us.
static inline const uint8_t *read_octet(const uint8_t *at, const uint8_t *end, uint32_t *octet)
{
    uint32_t digit;
    if (at == end || (*octet = (uint32_t)*at++ - '0') > 9)
        return NULL;
    for (unsigned more = 0; more < 2 && at < end && (digit = (uint32_t)*at - '0') < 10; more++, at++) {
        if (*octet == 0)
            return NULL;
        *octet = *octet * 10 + digit;
    }
    return *octet > 255 ? NULL : at;
}

static inline bool read_ipv4(const uint8_t *at, const uint8_t *end, uint32_t *address)
{
    uint32_t value = 0, octet;
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0 && (at == end || *at++ != '.'))
            return false;
        at = read_octet(at, end, &octet);
        if (at == NULL)
            return false;
        value = value << 8 | octet;
    }
    *address = value;
    return at == end;
}

int uri_host_ipv4(const uint8_t *octets, struct span host, uint32_t *address)
{
    uint32_t value;
    if (!read_ipv4(octets + host.offset, octets + host.offset + host.length, &value))
        return -1;
    *address = value;
    return 0;
}

// Reads 1*4HEXDIG. Returns the octet behind it, or NULL.
static const uint8_t *read_group(const uint8_t *at, const uint8_t *end, uint16_t *group)
{
    const uint8_t *start = at;
    uint32_t value = 0;
    for (; at < end && at - start < 5; at++) {
        uint8_t letter = *at | 0x20;
        if (scan_is(*at, SCAN_DIGIT))
            value = value << 4 | (uint32_t)(*at - '0');
        else if (letter >= 'a' && letter <= 'f')
            value = value << 4 | (uint32_t)(letter - 'a' + 10);
        else
            break;
    }
    *group = (uint16_t)value;
    return at == start || at - start > 4 ? NULL : at;
}

#define NO_GAP 9u

struct groups {
    uint16_t value[8];
    unsigned count;
    unsigned gap; // groups before "::", or NO_GAP
};

// The last 32 bits may be written as IPv4. Returns false when the text is no such thing.
static bool take_ipv4(const uint8_t *octets, struct span text, struct groups *groups)
{
    uint32_t address;
    if (groups->count > 6 || uri_host_ipv4(octets, text, &address) != 0)
        return false;
    groups->value[groups->count++] = (uint16_t)(address >> 16);
    groups->value[groups->count++] = (uint16_t)address;
    return true;
}

static bool read_groups(struct cursor *cursor, struct groups *groups)
{
    if (cursor->end - cursor->at >= 2 && cursor->at[0] == ':' && cursor->at[1] == ':') {
        groups->gap = 0;
        cursor->at += 2;
    }
    while (cursor->at < cursor->end) {
        if (groups->count == 8)
            return false;
        const uint8_t *behind = read_group(cursor->at, cursor->end, &groups->value[groups->count]);
        if (behind == NULL)
            return false;
        if (behind < cursor->end && *behind == '.')
            return take_ipv4(cursor->base, span_between(cursor->base, cursor->at, cursor->end), groups);
        groups->count++;
        cursor->at = behind;
        if (cursor->at == cursor->end)
            return true;
        if (*cursor->at++ != ':' || cursor->at == cursor->end)
            return false;
        if (*cursor->at == ':') {
            if (groups->gap != NO_GAP)
                return false;
            groups->gap = groups->count;
            cursor->at++;
        }
    }
    return true;
}

int uri_host_ipv6(const uint8_t *octets, struct span host, uint8_t address[16])
{
    struct cursor cursor = cursor_of(octets, host);
    struct groups groups = {.gap = NO_GAP};
    if (cursor_has(&cursor, '[')) {
        if (host.length < 4 || cursor.end[-1] != ']')
            return -1;
        cursor.at++;
        cursor.end--;
    }
    // "::" stands for at least one group.
    if (!read_groups(&cursor, &groups) || (groups.gap == NO_GAP ? groups.count != 8 : groups.count > 7))
        return -1;
    unsigned behind = groups.gap == NO_GAP ? 0 : groups.count - groups.gap;
    memset(address, 0, 16);
    for (unsigned i = 0; i < groups.count; i++) {
        unsigned place = i < groups.count - behind ? i : 8 - groups.count + i;
        address[place * 2] = (uint8_t)(groups.value[i] >> 8);
        address[place * 2 + 1] = (uint8_t)groups.value[i];
    }
    return 0;
}

int uri_host_ip(const uint8_t *octets, struct span host, struct ip_address *address)
{
    const uint8_t *at = octets + host.offset;
    uint32_t ipv4;
    if (read_ipv4(at, at + host.length, &ipv4)) {
        *address = ip_from_ipv4(ipv4);
        return 0;
    }
    if (memchr(at, ':', host.length) == NULL || uri_host_ipv6(octets, host, address->octets) != 0)
        return -1;
    return ip_is_ipv4(address) || !ip_is_set(address) ? -1 : 0;
}
