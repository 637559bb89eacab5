// SPDX-License-Identifier: BSD-3-Clause
// Events into events.file and to syslog. Each writer has a place in the ring of events and waits there when
// the disk or syslog takes none; what the ring forgets meanwhile is lost to it, counted, and told in a line
// before the next event that it writes:
//
//   {"lost":{"stream":"0123456789abcdef","first":7,"last":9,"count":3}}
//
// A line goes to the file whole or not at all. Nothing here waits.
#ifndef DIALGATE_CONTROL_EVENT_FILE_H
#define DIALGATE_CONTROL_EVENT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include "record_file.h"

struct control;

struct event_writer {
    bool failing;     // it did not take the last line
    uint64_t next;    // number that it writes next
    uint64_t retry_s; // of the monotonic clock: not tried before
    uint64_t failures;
    union {
        struct record_file file;
        struct {
            int socket; // -1: none
            const char *path;
        };
    };
};

void event_file_init(struct event_writer *writer);
void event_file_close(struct event_writer *writer);
// Writes what there is for it, as far as it is taken. Opens the file where that is due.
void event_file_write(struct control *control, struct event_writer *writer);

void event_syslog_init(struct event_writer *writer);
void event_syslog_close(struct event_writer *writer);
void event_syslog_write(struct control *control, struct event_writer *writer);

#endif
