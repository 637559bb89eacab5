// SPDX-License-Identifier: BSD-3-Clause
// What is to be done, at which rate.
#ifndef HOLDER_WORK_H
#define HOLDER_WORK_H

#include "holder.h"

struct pace {
    uint64_t rate;   // a second
    uint64_t credit; // a million buys one
};

struct work {
    uint64_t turned_us;
    struct { // calls that are set up and stay
        struct pace pace;
        uint64_t left;
        enum manner manner;
    } start;
    struct { // requests inside held calls, each call once
        struct pace pace;
        uint32_t left;  // requests
        uint32_t limit; // the first of the held calls, which were not taken yet
        enum method method;
        int side; // enum side, SIDES: either
    } ask;
    struct { // calls that come and go
        struct pace pace;
        uint64_t lifetime_us;
    } run;
    uint64_t began_us; // of the last start or ask
};

// A slice: as many as the time since the last turn allows.
void work_turn(struct work *work, struct holder *holder);

// Nothing is left to start, and nothing that was started is under way, but for the calls that come and go.
bool work_idle(const struct work *work, const struct holder *holder);

// False: not now, something of this kind is under way.
bool work_start(struct work *work, const struct holder *holder, enum manner manner, uint64_t count,
                uint64_t rate);
bool work_ask(struct work *work, const struct holder *holder, enum method method, uint64_t count,
              uint64_t rate);
void work_run(struct work *work, uint64_t rate, uint64_t lifetime_us);

#endif
