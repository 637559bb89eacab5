// SPDX-License-Identifier: BSD-3-Clause
// Where --hep sends to. Names are looked up here, by the system's resolver: the daemon has one thread, and
// would stand still meanwhile.
#include "collector.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define HOST_SIZE 256u

static bool is_address(const char *host)
{
    struct in_addr address;
    return inet_pton(AF_INET, host, &address) == 1;
}

static bool write_address(const struct addrinfo *found, const char *port, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    if (getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof(host), NULL, 0, NI_NUMERICHOST) != 0)
        return false;
    bool brackets = found->ai_family == AF_INET6;
    return (size_t)snprintf(out, size, "%s%s%s%s%s", brackets ? "[" : "", host, brackets ? "]" : "",
                            *port ? ":" : "", port) < size;
}

bool collector_look_up(struct ctl *ctl, const char *given, char *out, size_t size)
{
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
    char host[HOST_SIZE];
    const char *colon = strrchr(given, ':'), *port = colon ? colon + 1 : "";
    size_t length = colon ? (size_t)(colon - given) : strlen(given);
    bool known = false;
    if (length < sizeof(host)) {
        memcpy(host, given, length);
        host[length] = '\0';
    }
    // What is no name is the daemon's to judge: addresses, and what is neither.
    if (length == 0 || length >= sizeof(host) || given[0] == '[' || memchr(given, ':', length) ||
        is_address(host))
        return (size_t)snprintf(out, size, "%s", given) < size;
    int result = getaddrinfo(host, NULL, &hints, &found);
    if (result == 0)
        known = write_address(found, port, out, size);
    else
        fprintf(ctl->errors, "dialgatectl: --hep: %s is not known: %s; give its address\n", host,
                gai_strerror(result));
    if (found)
        freeaddrinfo(found);
    return known;
}
