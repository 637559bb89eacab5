// SPDX-License-Identifier: BSD-3-Clause
// A DNS server on loopback, on the test's own loop: it answers from an array that the test may change.
#ifndef DIALGATE_TEST_NAME_SERVER_H
#define DIALGATE_TEST_NAME_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_SERVER_RCODE  0    // as a type: any query of the name ends with the code in ttl
#define NAME_SERVER_SILENT 0xff // as such a code: no answer
#define NAME_SERVER_BROKEN 0xfe // an answer that is cut

struct record {
    const char *name; // NULL behind the last
    uint16_t type;    // 1 A, 5 CNAME, 28 AAAA, 33 SRV
    uint32_t ttl;
    const char *data;                // address, or a name
    uint16_t priority, weight, port; // of SRV
};

struct event;
struct event_base;

struct name_server {
    const struct record *records;
    bool turned;      // records in the reverse order
    unsigned queries; // seen
    unsigned names;   // that were asked for, each counted once
    char seen[256][64];
    char address[32]; // for dns_create()
    int fd;
    struct event *event;
};

void name_server_open(struct name_server *server, struct event_base *base);
void name_server_close(struct name_server *server); // twice is fine

#endif
