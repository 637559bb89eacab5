// SPDX-License-Identifier: BSD-3-Clause
// One look-up of a host: SRV of _sip._udp.HOST, then A and AAAA of its targets, or those of the host where
// there is no SRV (RFC 3263 4.2, RFC 2782). c-ares on the loop of libevent; DNS only, neither /etc/hosts nor
// search lists.
#ifndef DIALGATE_CONTROL_DNS_H
#define DIALGATE_CONTROL_DNS_H

#include "config/hosts.h"

struct dns;
struct event_base;

struct dns_answer {
    const char *fault; // NULL: there are addresses; otherwise why there are none
    bool none;         // with a fault: DNS has said that there are none
    uint32_t ttl_s;    // the shortest of all records that were used
    uint32_t count;
    struct host_address addresses[HOST_ADDRESSES_MAX]; // sorted: the same set gives the same octets
};

typedef void dns_done(void *context, const struct dns_answer *answer);

// servers: "ADDRESS[:PORT],..." or NULL for those of /etc/resolv.conf, which is read again when it changed.
// Returns NULL without memory, or when servers cannot be read.
struct dns *dns_create(struct event_base *base, const char *servers);

// Look-ups under way end with a fault before this returns. NULL is fine.
void dns_destroy(struct dns *dns);

// What is asked for (RFC 3263 4.2): with service the SRV records of a host for SIP over UDP and the addresses
// of their targets, or its own where there is no such record; without it its own addresses.
struct dns_question {
    const char *host;
    bool service;
    bool ipv6; // AAAA too
};

// done is called once, perhaps before this returns.
void dns_look_up(struct dns *dns, const struct dns_question *question, dns_done *done, void *context);

#endif
