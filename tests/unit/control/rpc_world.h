// SPDX-License-Identifier: BSD-3-Clause
// The daemon's control socket with everything behind it, and the test as its clients and as its dataplane.
#ifndef DIALGATE_TEST_RPC_WORLD_H
#define DIALGATE_TEST_RPC_WORLD_H

#include <event2/event.h>
#include <jansson.h>
#include "control.h"
#include "far_end.h"
#include "rpc/server.h"

struct rpc_world {
    char directory[64];
    char path[96];
    char config[96];
    char audit[96];
    struct event_base *base;
    struct control control;
    struct rpc_server *server; // NULL: only rpc_serve() is called
    int far;                   // we as the dataplane
};

struct rpc_reader { // a client
    int fd;
    bool ended; // the daemon has closed
    char *text; // what it read and nobody looked at yet
    size_t used, size;
};

// lab.yaml with the section control given. A failure is printed. 0 or -1.
int rpc_world_open(struct rpc_world *world, const char *section);
int rpc_world_close(struct rpc_world *world);
// The daemon ends, and begins again with what it left; the data plane says that it is the same process.
void rpc_world_stop(struct rpc_world *world);
int rpc_world_start(struct rpc_world *world); // 0 or -1

void rpc_reader_open(struct rpc_reader *reader, const struct rpc_world *world);
void rpc_reader_close(struct rpc_reader *reader);
void rpc_reader_say(struct rpc_reader *reader, const char *text);

// What there is now is read.
void rpc_reader_take(struct rpc_reader *reader);

// The next whole line (the caller's), NULL when none came within a few seconds or the daemon has closed.
json_t *rpc_reader_line(struct rpc_world *world, struct rpc_reader *reader);

// The code of its error, 0 for a result; takes the line.
int64_t rpc_code(json_t *line);

#endif
