// SPDX-License-Identifier: BSD-3-Clause
// Our end of the channel to control: accepts one connection, checks each datagram whole before anybody looks
// into it, and sends without ever waiting for a slow reader.
#ifndef DIALGATE_CHANNEL_SERVER_H
#define DIALGATE_CHANNEL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include "channel_check.h"
#include "log.h"

#define CHANNEL_SERVER_QUEUE_MAX                                                                             \
    (8u << 20) // octets that wait for a slow control before the connection is dropped
#define CHANNEL_SERVER_FDS_MAX  (4 * CHANNEL_FDS_MAX) // descriptors that wait likewise
#define CHANNEL_SERVER_REFUSALS 64u                   // of one channel_server_receive()

struct channel_queued;

struct channel_server {
    int listen_fd;
    int fd;                               // connection, -1: none
    bool greeted;                         // control's HELLO came
    struct channel_queued *first, **last; // what the socket did not take yet
    size_t queued;                        // octets
    unsigned queued_fds;                  // descriptors
    uint32_t last_request;                // number of the last that was taken; the next one is higher
    struct log_limit limit;
};

// What is to be sent. text follows the body (DIALOG_ROW, rows of events). The descriptors stay the caller's.
struct channel_output {
    enum channel_type type;
    uint32_t request;
    const void *body;
    size_t body_size;
    const void *text;
    size_t text_size;
    const int *fds;
    unsigned fd_count;
};

void channel_server_init(struct channel_server *server, int listen_fd);
// Accepts whoever waits. Returns true when a control is connected now that was not before.
bool channel_server_accept(struct channel_server *server);
// Returns 1 with a checked message, 0 when nothing more waits or CHANNEL_SERVER_REFUSALS were refused in a
// row, or -ECONNRESET when the connection ended and was closed. What is refused is answered and logged here.
int channel_server_receive(struct channel_server *server, struct channel_input *in);
// Returns 0, or -errno after the connection was dropped (gone or too slow) or when there is none.
int channel_server_send(struct channel_server *server, const struct channel_output *out);
// Sends what waits. Returns 0 or -errno after the connection was dropped.
int channel_server_flush(struct channel_server *server);
// True while something waits for room in the socket.
bool channel_server_waiting(const struct channel_server *server);
void channel_server_drop(struct channel_server *server);

// CHANNEL_DONE, CHANNEL_SNAPSHOT_RESULT or CHANNEL_REFUSED. text may be NULL.
int channel_server_done(struct channel_server *server, enum channel_type type, uint32_t request,
                        const struct channel_done *done);

#endif
