// SPDX-License-Identifier: BSD-3-Clause
// The quotation is a message that we rendered: our Via is the first one and has the form that we write. What
// looks otherwise is not ours, and nothing more is made of it.
#include "icmp.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include "cookie.h"

#define VIA    "Via: SIP/2.0/UDP "
#define BRANCH ";branch="

enum icmp_meaning icmp_meaning(bool ipv6, uint8_t type, uint8_t code)
{
    if (ipv6 && type == ICMP6_PACKET_TOO_BIG)
        return ICMP_MEANS_TOO_BIG;
    if (ipv6)
        return type == ICMP6_DST_UNREACH || type == ICMP6_PARAM_PROB ? ICMP_MEANS_UNREACHABLE
                                                                     : ICMP_MEANS_NOTHING;
    if (type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED)
        return ICMP_MEANS_TOO_BIG;
    return (type == ICMP_DEST_UNREACH && code <= NR_ICMP_UNREACH) || type == ICMP_PARAMETERPROB
               ? ICMP_MEANS_UNREACHABLE
               : ICMP_MEANS_NOTHING;
}

static bool begins(const char *text, size_t length, const char *with)
{
    size_t size = strlen(with);
    return length >= size && memcmp(text, with, size) == 0;
}

static const char *branch_of(const char *via, size_t length)
{
    const char *at = memmem(via, length, BRANCH, sizeof(BRANCH) - 1);
    size_t left;

    if (at == NULL)
        return NULL;
    at += sizeof(BRANCH) - 1;
    left = length - (size_t)(at - via);
    // One that goes on is none of ours.
    if (left < COOKIE_BRANCH_LENGTH ||
        (left > COOKIE_BRANCH_LENGTH && memchr("\r;", at[COOKIE_BRANCH_LENGTH], 2) == NULL))
        return NULL;
    return at;
}

const char *icmp_branch(const void *quoted, size_t length)
{
    const char *line = quoted, *end = line + length;

    if (begins(line, length, "SIP/2.0 ") || begins(line, length, "ACK ") || begins(line, length, "CANCEL "))
        return NULL;
    while (line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t size = (size_t)((stop != NULL ? stop : end) - line);

        if (begins(line, size, VIA))
            return branch_of(line, size);
        if (stop == NULL || size <= 1) // the body, too, is the sender's
            return NULL;
        line = stop + 1;
    }
    return NULL;
}
