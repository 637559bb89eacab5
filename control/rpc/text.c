// SPDX-License-Identifier: BSD-3-Clause
#include "text.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dialgate/counters.h"

// Octets of the well-formed UTF-8 sequence (RFC 3629) at text, 0 when there is none.
static size_t sequence_length(const unsigned char *text, size_t length)
{
    unsigned char first = text[0];
    size_t octets = first < 0x80   ? 1
                    : first < 0xc2 ? 0
                    : first < 0xe0 ? 2
                    : first < 0xf0 ? 3
                    : first < 0xf5 ? 4
                                   : 0;
    if (octets == 0 || octets > length)
        return 0;
    for (size_t i = 1; i < octets; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    // Overlong forms, surrogates, and beyond U+10FFFF.
    if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
        (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f))
        return 0;
    return octets;
}

static bool shown_as_is(const unsigned char *text, size_t octets)
{
    if (octets == 1)
        return text[0] >= 0x20 && text[0] != 0x7f && text[0] != '\\';
    if (octets == 2 && text[0] == 0xc2 && text[1] < 0xa0) // C1 controls
        return false;
    // U+200E/F, U+2028 .. U+202E, U+2066 .. U+2069 turn or break lines.
    if (octets == 3 && text[0] == 0xe2 && text[1] == 0x80)
        return !(text[2] == 0x8e || text[2] == 0x8f || (text[2] >= 0xa8 && text[2] <= 0xae));
    return !(octets == 3 && text[0] == 0xe2 && text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9);
}

json_t *text_json(const char *octets, size_t length)
{
    const unsigned char *from = (const unsigned char *)octets;
    char *escaped = malloc(length * 4 + 1);
    size_t used = 0;
    if (!escaped)
        return NULL;
    for (size_t i = 0; i < length;) {
        size_t step = sequence_length(from + i, length - i);
        if (step > 0 && shown_as_is(from + i, step)) {
            memcpy(escaped + used, from + i, step);
            used += step;
            i += step;
            continue;
        }
        used += (size_t)snprintf(escaped + used, 5, "\\x%02x", from[i]);
        i++;
    }
    json_t *string = json_stringn(escaped, used);
    free(escaped);
    return string;
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

long text_octets(const char *text, char *octets, size_t size)
{
    size_t used = 0;
    while (*text) {
        if (used == size)
            return -1;
        if (*text != '\\') {
            octets[used++] = *text++;
            continue;
        }
        int high = text[1] == 'x' ? hex_digit(text[2]) : -1;
        int low = high >= 0 ? hex_digit(text[3]) : -1;
        if (low < 0)
            return -1;
        octets[used++] = (char)(high << 4 | low);
        text += 4;
    }
    return (long)used;
}

const char *text_address(const struct ip_address *address, unsigned int port, char buffer[ADDRESS_TEXT_SIZE])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char host[INET6_ADDRSTRLEN];
    if (memcmp(address->octets, mapped, sizeof(mapped)) == 0) {
        inet_ntop(AF_INET, address->octets + 12, host, sizeof(host));
        snprintf(buffer, ADDRESS_TEXT_SIZE, port ? "%s:%u" : "%s", host, port);
    } else {
        inet_ntop(AF_INET6, address->octets, host, sizeof(host));
        snprintf(buffer, ADDRESS_TEXT_SIZE, port ? "[%s]:%u" : "%s", host, port);
    }
    return buffer;
}

const char *text_source(const struct ip_address *address, unsigned int length, char buffer[ADDRESS_TEXT_SIZE])
{
    text_address(address, 0, buffer);
    if (length < 128) {
        size_t used = strlen(buffer);
        snprintf(buffer + used, ADDRESS_TEXT_SIZE - used, "/%u",
                 ip_is_ipv4(address) ? length - IP_MAPPED_BITS : length);
    }
    return buffer;
}

bool text_read_address(const char *text, struct ip_address *address)
{
    struct in_addr ipv4;
    if (inet_pton(AF_INET, text, &ipv4) == 1) {
        *address = ip_from_ipv4(ntohl(ipv4.s_addr));
        return true;
    }
    return inet_pton(AF_INET6, text, address->octets) == 1;
}

bool text_read_source(const char *text, struct ip_address *address, unsigned int *length)
{
    char host[INET6_ADDRSTRLEN];
    size_t octets = strcspn(text, "/");
    char *end;
    if (octets >= sizeof(host))
        return false;
    memcpy(host, text, octets);
    host[octets] = '\0';
    if (!text_read_address(host, address))
        return false;
    *length = 0;
    if (text[octets] == '\0')
        return true;
    const char *digits = text + octets + 1;
    unsigned int before = ip_is_ipv4(address) ? IP_MAPPED_BITS : 0;
    unsigned long bits = digits[0] >= '0' && digits[0] <= '9' ? strtoul(digits, &end, 10) : ULONG_MAX;
    if (bits > 128 - before || *end != '\0')
        return false;
    *length = (unsigned int)bits + before;
    return true;
}

const char *text_member_reason(unsigned int reason, char buffer[REASON_TEXT_SIZE])
{
    if (reason == 0 || reason == MEMBER_REASON_UNREACHABLE)
        snprintf(buffer, REASON_TEXT_SIZE, "%s", reason == 0 ? "no answer" : "unreachable");
    else
        snprintf(buffer, REASON_TEXT_SIZE, "answers %u", reason);
    return buffer;
}
