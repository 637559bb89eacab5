// SPDX-License-Identifier: BSD-3-Clause
// The file of the calls' records: appended to in whole lines, turned by size and time, opened again when
// somebody else has turned it. A turned file is FILE.YYYYMMDDThhmmssZ, with -N behind it when there is one.
#ifndef DIALGATE_CONTROL_RECORD_FILE_H
#define DIALGATE_CONTROL_RECORD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "record_line.h"

enum record_sync {
    RECORD_SYNC_NEVER,
    RECORD_SYNC_SECOND,
    RECORD_SYNC_ALWAYS
}; // order of choices_record_sync

struct record_settings {
    const char *path; // absolute
    enum record_format format;
    enum record_sync sync;
    uint64_t rotate_size;     // octets, 0: never
    uint64_t rotate_interval; // ms, 0: never
};

struct record_file {
    int fd; // -1: closed
    bool unsynced;
    uint64_t size;
    uint64_t turns_at; // Unix s, 0: never
    char path[256];
};

void record_file_init(struct record_file *file);
// Opens what is not open. A file that ends within a line, of a process that was killed, gets a line end.
// Returns 0 or -errno.
int record_file_open(struct record_file *file, const struct record_settings *settings);
// All of it or nothing: what was written of it is taken back. Opens and turns the file where that is due.
// Returns 0 or -errno; -EIO when it is written and not on the disk.
int record_file_append(struct record_file *file, const struct record_settings *settings, const char *lines,
                       size_t length);
// Once a second: what RECORD_SYNC_SECOND and an interval want. Returns 0 or -errno.
int record_file_tick(struct record_file *file, const struct record_settings *settings);
// The next line opens the file anew.
void record_file_close(struct record_file *file);

#endif
