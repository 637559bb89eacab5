// SPDX-License-Identifier: BSD-3-Clause
// Control's end of the channel to the dataplane (include/dialgate/channel.h): connects and connects again,
// checks each message before anybody sees it, and holds the requests that wait for an answer.
#ifndef DIALGATE_CONTROL_CHANNEL_H
#define DIALGATE_CONTROL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/channel.h"

struct event_base;
struct channel;

struct channel_callbacks {
    // A checked HELLO. Descriptors: counters first when hello->has_counters, then the maps. What the callee
    // keeps it overwrites with -1; the others are closed afterwards.
    void (*hello)(void *context, const struct channel_hello *hello, int *fds);
    // The data plane's kernel sockets; of these, too, the callee overwrites with -1 what it keeps. NULL: they
    // are closed.
    void (*listeners)(void *context, int *fds, size_t count);
    // Checked events. The struct dies with the return.
    void (*events)(void *context, const struct channel_events *events);
    void (*member_events)(void *context, const struct channel_member_events *events);
    void (*ban_events)(void *context, const struct channel_ban_events *events); // NULL: nobody's business
    // Checked records, which lie behind the struct.
    void (*records)(void *context, const struct channel_records *records);
    // A checked question for a name. It is answered with channel_tell(), or not at all.
    void (*name_ask)(void *context, const struct channel_name *name);
    // A checked end of a capture; NULL: it is nobody's business.
    void (*capture_ended)(void *context, const struct channel_capture_ended *ended);
    // A checked event for an application, with the message that it came of: event->length octets, none with
    // CHANNEL_UA_CUT. In order; both die with the return. NULL: there are no applications.
    void (*ua_event)(void *context, const struct channel_ua_event *event, const uint8_t *message);
    // So many of them did not come, by their numbers; those before this call and behind it did. NULL:
    // likewise.
    void (*ua_lost)(void *context, uint64_t count);
    void (*ua_taking)(void *context, uint64_t number); // the next is ua_event of this one. NULL: likewise
    // The connection ended; every waiting request was already answered with -ENOTCONN.
    void (*lost)(void *context);
};

// How a request's answers arrive: any number of rows, then done exactly once (a REFUSED is a done whose
// result is not 0). done may be called before channel_request returns only when that returns an error: then
// it is not called at all.
struct channel_answer {
    void (*row)(void *context, const struct channel_dialog_row *row, const char *text); // may be NULL
    void (*done)(void *context, const struct channel_done *done);
    void *context;
    void (*bans)(void *context, const struct channel_ban_rows *rows); // of BAN_LIST; may be NULL
};

// path: the dataplane's socket; NULL: never connect (channel_attach is used). NULL without memory.
struct channel *channel_create(struct event_base *base, const char *path,
                               const struct channel_callbacks *callbacks, void *context);
void channel_destroy(struct channel *channel); // waiting requests are answered first; NULL is allowed

// Takes over a connected SOCK_SEQPACKET descriptor and greets. Returns 0 or -errno (the descriptor is closed
// then).
int channel_attach(struct channel *channel, int fd);

// True when the dataplane's hello came on the present connection.
bool channel_ready(const struct channel *channel);

// Why the last connection ended, for an operator; empty while connected or never connected.
const char *channel_fault(const struct channel *channel);

struct channel_request {
    enum channel_type type; // one that control may send, and its body
    const void *body;
    int fd; // descriptor that goes along; -1: none; stays the caller's
    uint32_t timeout_ms;
};

// Returns 0, or -ENOTCONN, -EAGAIN (too many wait, or the socket is full). After timeout_ms done comes with
// -ETIMEDOUT.
int channel_ask(struct channel *channel, const struct channel_request *request,
                const struct channel_answer *answer);

// Sends what has no answer. Returns 0 or -errno (-ENOTCONN, -EAGAIN: it did not go).
int channel_tell(struct channel *channel, enum channel_type type, const void *body);

// From hello: events of applications below this number are known from an earlier process. On a connection to
// a data plane of which this one has had some already it says nothing.
void channel_expect_ua(struct channel *channel, uint64_t number);

// Sends a command of an application: struct, texts and body in one piece, octets in all. What finds no room
// in the socket waits for it, up to a bound. Returns 0, or -ENOTCONN (or its workers do not run yet), -EBUSY
// (no more may wait), -EINVAL (the octets are not those that the struct names), -EMSGSIZE, -ENOMEM.
int channel_send_ua(struct channel *channel, const struct channel_ua_command *command, size_t octets);

#endif
