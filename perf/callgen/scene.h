// SPDX-License-Identifier: BSD-3-Clause
// Who is on stage: callers, callees and the proxy between them.
#ifndef CALLGEN_SCENE_H
#define CALLGEN_SCENE_H

#include <stdbool.h>
#include <stdint.h>
#include "identity.h"

#define SCENE_PLACES 64u // of one side
#define PLACE_TEXT   22u // "255.255.255.255:65535"

struct place {
    uint32_t address; // host order
    uint16_t port;
    char text[PLACE_TEXT];
};

struct scene {
    struct place sides[SIDES][SCENE_PLACES];
    unsigned counts[SIDES];
    struct place proxy[SIDES]; // its listener towards each side
    uint64_t seed;
    bool direct; // no proxy: callers send straight to callees
};

// "10.10.0.1", "10.10.0.1:5070", "10.10.0.1+15:5060+3": sixteen addresses with four ports each. Port 5060
// where none is given. False: unreadable, or more than SCENE_PLACES.
bool scene_places(struct place *list, unsigned *count, const char *text);
// The place of this side with this address and port; -1: none.
int scene_find(const struct scene *scene, enum side side, uint32_t address, uint16_t port);

static inline unsigned scene_caller(const struct scene *scene, uint32_t number)
{
    return number % scene->counts[CALLER];
}

static inline enum side far_side(enum side side)
{
    return side == CALLER ? CALLEE : CALLER;
}

#endif
