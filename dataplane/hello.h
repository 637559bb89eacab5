// SPDX-License-Identifier: BSD-3-Clause
// What the dataplane says of itself, with all that control may look at.
#ifndef DIALGATE_HELLO_H
#define DIALGATE_HELLO_H

#include "boot.h"
#include "channel_server.h"

// Sends hello, which has the state. plane: what runs, NULL: nothing does; then no descriptors go along.
// text: with CHANNEL_FAILED, why; NULL is fine.
void hello_send(struct channel_server *channel, struct channel_hello *hello, const struct dataplane *plane,
                const char *text);
// The listeners' kernel sockets, for control to keep open. Does nothing where nobody has said hello.
void hello_send_listeners(struct channel_server *channel, const struct listen_set *listens);

#endif
