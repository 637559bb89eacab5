// SPDX-License-Identifier: BSD-3-Clause
// Calls that are to replace one of the desk's, against a data plane that the test plays.
#ifndef DIALGATE_TEST_REPLACES_WORLD_H
#define DIALGATE_TEST_REPLACES_WORLD_H

#include "cmocka_first.h"
#include "ua_world.h"

#define NEW      0x1200000000000009u
#define NEW_HEX  "1200000000000009"
#define INVITE   0x1200000000000077u
#define REPLACES "Replaces: c1@test;to-tag=f1;from-tag=t1"

struct incoming {
    uint16_t application, peer;
    uint64_t number; // of several at once
    const char *lines;
};

int setup(void **state);
uint16_t number_of(struct ua_world *world, const char *name);
void say_new(struct ua_world *world, const struct incoming *new);
struct incoming to_desk(const struct ua_world *world, const char *lines);
void say_call_state(struct ua_world *world, uint64_t dialog, unsigned state);
void expect_refused(struct ua_world *world, unsigned status, uint64_t number);
void expect_claim(struct ua_world *world, int result, unsigned flags);
void expect_given_back(struct ua_world *world);
void expect_end(struct ua_world *world);
void expect_none(struct ua_world *world);
void expect_counted(struct ua_world *world, enum takeover outcome, uint64_t count);
void begin(struct ua_world *world);
void begin_both(struct ua_world *world);

#endif
