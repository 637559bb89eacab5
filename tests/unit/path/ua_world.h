// SPDX-License-Identifier: BSD-3-Clause
// An application (carrier-b of image.h) behind a wire: its commands go into the worker's ring, what it is
// told comes out of the other one.
#ifndef DIALGATE_TEST_PATH_UA_WORLD_H
#define DIALGATE_TEST_PATH_UA_WORLD_H

#include "dialgate/channel_ua.h"
#include "wire.h"

#define UA_SEEN_MAX 64u

struct ua_seen {
    struct channel_ua_event event;
    struct wire_packet packet; // its message; text "" when there is none
};

struct ua_world {
    struct wire *wire;
    unsigned worker;     // whose ring commands go into
    uint64_t tag;        // of the last command
    uint32_t seen_count; // told, and not taken yet
    struct ua_seen seen[UA_SEEN_MAX];
};

// What a command has beside its tag. Lengths follow from the texts; to_peer and to_member that are 0 are
// NUMBER_NONE.
struct ua_wanted {
    struct channel_ua_command fixed;
    const char *texts[CHANNEL_UA_TEXTS]; // NULL: empty
    const char *body;                    // NULL: none
};

// cmocka's fixtures: one worker, or two. *state: struct ua_world. In the end nothing may be left
// (wire_teardown()).
int ua_setup(void **state);
int ua_setup_two(void **state);
int ua_teardown(void **state);

// Puts a command into the ring of world->worker, and has a turn. Returns its tag.
uint64_t ua_put(struct ua_world *world, const struct ua_wanted *wanted);
// The same, and the DONE that it is answered with, which is taken: its result.
int ua_ask(struct ua_world *world, const struct ua_wanted *wanted, struct ua_seen *done);
// Takes the first event of this kind off; it must be there.
struct ua_seen ua_take(struct ua_world *world, enum channel_ua_kind kind);
// How many events of this kind are there.
unsigned ua_seen_of(struct ua_world *world, enum channel_ua_kind kind);
// STATE of the dialog, which is taken.
void ua_expect_state(struct ua_world *world, uint64_t dialog, enum channel_dialog_state state);
// Everything that was told has been taken.
void ua_expect_silence(struct ua_world *world);
void ua_forget(struct ua_world *world); // whatever was told

// A far end's response to a request that it got: extra lines with CRLF each and a body, or NULL. tag: of the
// To when that has none.
struct ua_response {
    const char *status;
    const char *tag;
    const char *extra;
    const char *body;
};
void ua_respond_from(struct ua_world *world, const struct wire_packet *request,
                     const struct ua_response *response);
extern const char ua_sdp[];

#endif
