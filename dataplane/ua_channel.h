// SPDX-License-Identifier: BSD-3-Clause
// Applications' commands from control to the workers' rings, and what applications are told from the rings to
// control (dialgate/channel_ua.h). The rings are the buffer: what the connection does not take stays there,
// and what finds no room there is counted by the worker and told as lost. Nobody waits for anybody.
#ifndef DIALGATE_UA_CHANNEL_H
#define DIALGATE_UA_CHANNEL_H

#include "channel_server.h"
#include "workers.h"

#define UA_CHANNEL_REFUSED  256u       // answers of our own that wait for room in the connection
#define UA_CHANNEL_MESSAGES 64u        // a poll
#define UA_CHANNEL_SENT_MAX (4u << 20) // octets that went out and are not taken; then the rest waits

struct ua_channel_sent;

struct ua_channel {
    struct channel_server *server;
    struct workers *workers;
    unsigned controls;          // that have been connected
    unsigned next_worker;       // round robin: of what is outside dialogs
    unsigned next_ring;         // and of whose events come first
    uint64_t last;              // number of the last event, lost ones counted
    uint64_t told;              // up to here this connection knows of all
    uint64_t lost[WORKERS_MAX]; // by each ring, as far as it is in `last`
    uint32_t refused_first, refused_count;
    struct channel_ua_event refused[UA_CHANNEL_REFUSED];
    struct ua_channel_sent *sent, **sent_end; // messages that are not taken, the oldest first
    struct ua_channel_sent *again;            // the next of them for this connection; NULL: it has them all
    size_t sent_octets;
};

void ua_channel_init(struct ua_channel *ua, struct channel_server *server, struct workers *workers);
// Control has greeted: workers take calls for applications from now on.
void ua_channel_begin(struct ua_channel *ua);
// What it holds.
void ua_channel_fini(struct ua_channel *ua);
// UA_TAKEN.
void ua_channel_taken(struct ua_channel *ua, const struct channel_ua_taken *taken);
// A checked UA_COMMAND.
void ua_channel_take(struct ua_channel *ua, const struct channel_input *in);
// Sends what there is, as far as the connection has room.
void ua_channel_poll(struct ua_channel *ua);
// Between begin and forget, where there are applications: an operation takes what the polls are apart.
bool ua_channel_heard(const struct ua_channel *ua);
// The connection is gone. What is in the rings stays: for the workers, and for the next control, which gets
// what is not taken, too.
void ua_channel_forget(struct ua_channel *ua);

#endif
