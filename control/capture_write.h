// SPDX-License-Identifier: BSD-3-Clause
// The file of a capture: made new, never over another one, of whole blocks at any time. Blocks are gathered
// and written together.
#ifndef DIALGATE_CONTROL_CAPTURE_WRITE_H
#define DIALGATE_CONTROL_CAPTURE_WRITE_H

#include <limits.h>
#include "pcapng.h"

struct capture_writer {
    int fd; // -1: none
    uint8_t *buffer;
    size_t used;       // octets of the buffer
    uint64_t waiting;  // messages of the buffer
    uint64_t messages; // in the file
    uint64_t size;     // of the file
    uint64_t limit;    // of the file
    char path[PATH_MAX];
};

struct capture_place {
    const char *directory; // absolute; made when only its last part is missing
    const char *name;  // letters, digits, '.', '-', '_', no '.' first; .pcapng is added where it is missing
    const char *group; // may read the file when we may give it to it; else its owner alone
    uint64_t limit;    // octets of the file
};

void capture_writer_init(struct capture_writer *writer);
// Returns 0, or -errno with one line in error: -EEXIST, -EINVAL for the name, what the system says.
int capture_writer_open(struct capture_writer *writer, const struct capture_place *place,
                        const struct pcapng_section *section, char *error, size_t size);
// 0; -E2BIG: the file would be longer than it may be; -errno: the disk did not take what was gathered, which
// is not counted in messages any more.
int capture_writer_add(struct capture_writer *writer, const struct capture_packet *packet);
int capture_writer_flush(struct capture_writer *writer); // 0 or -errno, likewise
// Writes what is gathered and, with statistics, the last block. Returns 0 or -errno. The file is closed
// either way.
int capture_writer_close(struct capture_writer *writer, const struct pcapng_statistics *statistics);
void capture_writer_remove(struct capture_writer *writer); // closes it, and it is gone

#endif
