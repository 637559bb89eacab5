// SPDX-License-Identifier: BSD-3-Clause
// Addresses, endpoints and prefixes of either family in text.
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "value.h"

int value_parse_address(const char *text, struct ip_address *address)
{
    struct in_addr ipv4;
    if (inet_pton(AF_INET, text, &ipv4) == 1) {
        *address = ip_from_ipv4(ntohl(ipv4.s_addr));
        return 0;
    }
    return inet_pton(AF_INET6, text, address->octets) == 1 && !ip_is_ipv4(address) ? 0 : -EINVAL;
}

// fe80::/10 is known only together with an interface (RFC 4007), ff00::/8 is multicast.
bool value_is_unicast(const struct ip_address *address)
{
    uint8_t first = address->octets[0];
    if (ip_is_ipv4(address))
        return ip_ipv4(address) >> 24 != 0 && ip_ipv4(address) >> 24 < 224;
    return ip_is_set(address) && first != 0xff && !(first == 0xfe && address->octets[1] >> 6 == 2);
}

bool value_is_loopback(const struct ip_address *address)
{
    static const struct ip_address loopback = {{[15] = 1}};
    return ip_is_ipv4(address) ? ip_ipv4(address) >> 24 == 127 : ip_equal(address, &loopback);
}

static bool read_port(const char *text, uint16_t *port)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long number = digits > 0 && digits <= 5 && !text[digits] ? strtoul(text, NULL, 10) : 65536;
    *port = (uint16_t)number;
    return number <= 65535;
}

// IPv6 in brackets, since a port follows (RFC 3986 3.2.2).
int value_parse_endpoint(const char *text, struct key_endpoint *endpoint)
{
    char address[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    bool brackets = text[0] == '[';
    const char *begin = text + brackets, *end = colon != NULL && brackets ? colon - 1 : colon;
    if (!colon || end < begin || (size_t)(end - begin) >= sizeof(address) || (brackets && *end != ']') ||
        !read_port(colon + 1, &endpoint->port))
        return -EINVAL;
    memcpy(address, begin, (size_t)(end - begin));
    address[end - begin] = '\0';
    if (value_parse_address(address, &endpoint->address) < 0 || ip_is_ipv4(&endpoint->address) == brackets)
        return -EINVAL;
    return 0;
}

const char *value_address(const struct ip_address *address, char *text, size_t size)
{
    bool ipv4 = ip_is_ipv4(address);
    if (!inet_ntop(ipv4 ? AF_INET : AF_INET6, address->octets + (ipv4 ? IP_MAPPED_BITS / 8 : 0), text,
                   (socklen_t)size))
        text[0] = '\0';
    return text;
}

const char *value_endpoint(const struct ip_address *address, uint16_t port, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    value_address(address, host, sizeof(host));
    snprintf(text, size, ip_is_ipv4(address) ? "%s:%u" : "[%s]:%u", host, port);
    return text;
}

const char *value_prefix(const struct ip_address *address, unsigned length, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    value_address(address, host, sizeof(host));
    snprintf(text, size, "%s/%u", host, ip_is_ipv4(address) ? length - IP_MAPPED_BITS : length);
    return text;
}
