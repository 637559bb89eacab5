// SPDX-License-Identifier: BSD-3-Clause
// What control may send: each datagram is checked whole before anybody looks into it.
#ifndef DIALGATE_CHANNEL_CHECK_H
#define DIALGATE_CHANNEL_CHECK_H

#include <stddef.h>
#include "fault.h"

// A datagram that passed channel_check(). fd: the descriptor with it, -1: none; the receiver owns it.
struct channel_input {
    struct channel_header header;
    union {
        struct channel_hello hello;
        struct channel_snapshot snapshot;
        struct channel_dialog_list list;
        struct channel_dialog_select select;
        struct channel_records_done records_done;
        struct channel_events_done events_done;
        struct channel_name_answer name;
        struct channel_capture_set capture;
        struct channel_capture_end capture_end;
        struct channel_ua_command ua;
        struct channel_ua_taken ua_taken;
        struct channel_ban ban;
        struct channel_ban_list ban_list;
    } body;
    const uint8_t *rest; // UA_COMMAND: its texts and its body, until the next message is received
    size_t rest_size;
    int fd;
};

// Whether a datagram of size octets with fd_count descriptors is a message that control may send now: magic,
// version, type, size, indexes and ranges. Fills in->header as far as it can be read, in->body and in->rest.
// Returns 0 or -errno with fault.
int channel_check(const void *datagram, size_t size, unsigned fd_count, struct channel_input *in,
                  struct fault *fault);

#endif
