// SPDX-License-Identifier: BSD-3-Clause
// What a data plane tells of applications, made of a few octets: so a fuzzer gets at its fields, and what it
// says passes the channel's check more often than not.
#ifndef DIALGATE_TESTS_FUZZ_CHANNEL_APPLICATION_H
#define DIALGATE_TESTS_FUZZ_CHANNEL_APPLICATION_H

#include <stddef.h>
#include <stdint.h>

// A handle is one of these and a number below 256.
#define APPLICATION_DIALOG      0x1100000000000000u
#define APPLICATION_TRANSACTION 0x2200000000000000u
#define APPLICATION_TAGS        255u

struct application_far_end {
    uint16_t peers[4]; // numbers: two applications, two others
    uint64_t boot;
    uint64_t next;                     // number of the next event
    uint64_t tags[APPLICATION_TAGS];   // of the last commands
    unsigned tag_count, refused_count; // the first of them were refused
};

void application_commanded(struct application_far_end *far, uint64_t tag);

// One event in a run of its own: kind, who (peers of it and of the other side, a nibble each), dialog, call,
// transaction, tag, state, reason, flags, status (two octets), result; a message is the rest. Returns the
// octets in body, which has room for APPLICATION_EVENT_MAX.
#define APPLICATION_FIELDS    12u
#define APPLICATION_EVENT_MAX 4096u
size_t application_event(struct application_far_end *far, const uint8_t *octets, size_t size, void *body);

#endif
