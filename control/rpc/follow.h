// SPDX-License-Identifier: BSD-3-Clause
// A client of the control socket that follows events, or is attached to an application: what it wants, and
// its place in the ring of events. It
// is given lines while its connection takes them, and goes on from its place when it has read; numbers that
// the ring forgot before that are told to it as events.lost.
#ifndef DIALGATE_CONTROL_RPC_FOLLOW_H
#define DIALGATE_CONTROL_RPC_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control;
struct evbuffer;
struct ua_app;

struct follower {
    bool on;
    struct ua_app *app; // whose events these are; NULL: those of events.follow
    bool listens;       // it does not count as somebody who answers for the application
    bool back;          // it has been given nothing yet: what is missing went before it came (back)
    uint32_t kinds;
    uint16_t peer; // NUMBER_NONE: any
    uint64_t call; // 0: any
    uint64_t next; // number
};

// Writes what the follower wants, until more than high octets wait in output.
void follower_pump(struct follower *follower, struct control *control, struct evbuffer *output, size_t high);

#endif
