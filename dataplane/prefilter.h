// SPDX-License-Identifier: BSD-3-Clause
// The agent's side of the prefilter: clears what a killed predecessor left, finds the maps of the program
// that the AF_XDP driver loaded, and fills them from the snapshot. Agent thread only. Functions return 0 or
// -errno and write one line for the operator (what, where, what to do) into error, cut to size octets with
// its NUL; RUN_DIRECTORY/xdp-INTERFACE is the record of the program that is ours.
#ifndef DIALGATE_DATAPLANE_PREFILTER_H
#define DIALGATE_DATAPLANE_PREFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/prefilter.h"
#include "dialgate/snapshot.h"
#include "path/ban_source.h"

// One port's program. The descriptors are the port's own (duplicates), closed by prefilter_detach; all -1
// when there is no program. The first PREFILTER_MAP_SHARED of them are what control needs.
struct prefilter_port {
    uint32_t program_id; // 0: none
    int map_fds[PREFILTER_MAP_COUNT];
};

// Everything -1 and 0.
void prefilter_init(struct prefilter_port *port);

// Before the port starts. A program that the record says is ours is detached; none is fine. -EBUSY: somebody
// else's program is there; -ENODEV: no such interface.
int prefilter_clear_stale(const char *run_directory, const char *interface, char *error, size_t size);

// Right before the driver attaches, after prefilter_clear_stale(): a process that is killed between this and
// prefilter_attach_done() leaves a program that the next one knows. Whoever gives up in between calls
// xdp_record_remove(). Returns 0 or -errno.
int prefilter_attach_begin(const char *run_directory, const char *interface, char *error, size_t size);

// After the driver attached: writes the record and fills *port. -ENOENT: no program on the interface, or its
// maps are not among this process's descriptors; -EPROTO: the program's maps are those of another version.
// *port is then as after prefilter_init.
int prefilter_attach_done(const char *run_directory, const char *interface, struct prefilter_port *port,
                          char *error, size_t size);

// Fills the half that is not in force with the listeners of `network` (an index) and of all networks that
// share its interface, the sources, deny prefixes and limits of a snapshot that was validated, then puts it
// in force. On an error the old configuration stays in force.
int prefilter_load(struct prefilter_port *port, const struct snapshot_header *image, uint32_t network,
                   char *error, size_t size);

// Whether the program looks for bans at all (not to look saves a tenth of its time), and for those of IPv6
// under which lengths: before the first row of a length is written to PREFILTER_MAP_BANS, and after the last
// is gone. A program that was just loaded looks for none. Returns 0 or -errno.
int prefilter_look_for_bans(const struct prefilter_port *port, const struct ban_lengths *lengths);

// At a clean end: detaches the program if it is still there, removes the record, closes the descriptors.
void prefilter_detach(const char *run_directory, const char *interface, struct prefilter_port *port);

#endif
