// SPDX-License-Identifier: BSD-3-Clause
// The far end of the channel as a test plays it: it sends what the test builds, good or bad, and reads what
// control sent.
#ifndef DIALGATE_TEST_FAR_END_H
#define DIALGATE_TEST_FAR_END_H

#include <stdbool.h>
#include <stddef.h>
#include "dialgate/channel.h"
#include "dialgate/counters.h"

struct event_base;

// A whole message of its type and size; body may be NULL for zeros. Returns its octets.
struct far_message {
    struct channel_header header;
    uint8_t body[CHANNEL_MESSAGE_MAX];
};
size_t far_build(struct far_message *message, enum channel_type type, uint32_t request, const void *body,
                 size_t size);

struct channel_hello far_hello(enum channel_state state, uint64_t sequence);

// A dialog row with its texts behind it, into body. Returns the octets of both.
size_t far_row(uint8_t *body, uint64_t handle, const char *call_id);

void far_send(int fd, const void *datagram, size_t size, const int *fds, size_t fd_count);

// Builds and sends in one.
void far_say(int fd, enum channel_type type, uint32_t request, const void *body, size_t size);
void far_done(int fd, enum channel_type type, uint32_t request, int32_t result, const char *text);

// The next message from control; false when none came within ms. A descriptor that came along is in *carried
// (else -1; NULL: closed).
bool far_receive(int fd, struct far_message *message, int *carried, int ms);

// Runs the loop until *flag is true; false after ms.
bool far_run_until(struct event_base *base, const bool *flag, int ms);
void far_run(struct event_base *base, int ms);

// A counters memfd with that many workers; every counter of worker w has the value base + w. Sealed unless
// seals is 0.
int far_counters(uint32_t workers, uint64_t base, unsigned int seals);

// Removes what control keeps in a state directory: versions of the configuration, what applications have.
void far_forget_versions(const char *directory);
// These files of a state directory, the versions, and itself. Returns what rmdir() does: nothing else may be
// there.
int far_remove(const char *directory, const char *const *files, size_t count);

#endif
