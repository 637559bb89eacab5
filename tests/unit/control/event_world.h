// SPDX-License-Identifier: BSD-3-Clause
// The daemon's code between a data plane and a client that follows events; the test is both.
#ifndef DIALGATE_TEST_EVENT_WORLD_H
#define DIALGATE_TEST_EVENT_WORLD_H

#include <jansson.h>
#include "control.h"
#include "event.h"
#include "far_end.h"
#include "rpc/server.h"

#define KEEP 1024u

struct world {
    char directory[64];
    char path[96];
    char config[96];
    char file[96];
    struct event_base *base;
    struct control control;
    struct rpc_server *server;
    int far; // we as the dataplane
    uint64_t boot;
    uint64_t number; // of the next event that we tell
    int client;
    char *text; // what the client read and nobody looked at yet
    size_t used;
};

void attach(struct world *world);
void detach(struct world *world);
int setup(void **state);
int teardown(void **state);
void client_say(struct world *world, const char *line);
void client_read(struct world *world);
void assert_fields(const json_t *params);
// The next line that the client got, which the caller owns; NULL when none came within a second.
json_t *client_line(struct world *world);
json_t *ask_to_follow(struct world *world, const char *params);
void follow(struct world *world, const char *params);
// Changes of dialogs whose numbers begin behind `lost` of them.
void say_events(struct world *world, uint32_t count, uint64_t lost);
void assert_text(const json_t *params, const char *key, const char *wanted);
json_int_t integer(const json_t *params, const char *key);
// The next line is an event of this name; its params, borrowed until the next call.
const json_t *expect(struct world *world, const char *kind, const char *name);
void expect_lost(struct world *world, json_int_t first, json_int_t last, const char *cause);
void expect_none(struct world *world);

#endif
