// SPDX-License-Identifier: BSD-3-Clause
// The permanent numbers of peers and members, by name. A peer's name is its name in the configuration, a
// member's is its peer with its address and port. Numbers index the arrays of the snapshot, counters and
// dialog records, so that a number keeps its meaning over every reload and restart: an entry stays although
// it left the configuration. Only when all numbers are taken does a new name get the number of one that is
// not in use. Applications have numbers among those of the peers, but a name never means both: who becomes
// the other gets another number, and dialogs of the old one never look like its own.
//
// Kept as text in DIRECTORY/manifest, replaced atomically:
//
//   dialgate-manifest 1
//   peer 3 carrier-a
//   application 4 voicemail
//   member 7 sbcs 10.20.0.11:5060
//   end 3
#ifndef DIALGATE_MANIFEST_H
#define DIALGATE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dialgate/snapshot.h"

struct manifest;

// A new one without entries; NULL when there is no memory.
struct manifest *manifest_create(void);

// Reads DIRECTORY/manifest. No such file or directory gives one without entries. A damaged file gives NULL
// and one line `FILE:LINE: what is wrong; what to do` in error. manifest_free() frees what is returned.
struct manifest *manifest_load(const char *directory, char *error, size_t size);

// Replaces DIRECTORY/manifest (temporary file, fsync, rename, fsync of the directory); makes the directory
// (mode 0750) when it is missing. Returns 0 or -errno with one line in error.
int manifest_save(const struct manifest *manifest, const char *directory, char *error, size_t size);

// Frees manifest; NULL is fine.
void manifest_free(struct manifest *manifest);

// Begins a new configuration: from here on only entries asked for again count as in use. When numbers may run
// out, all known names are asked for with manifest_find_*() before the unknown ones with manifest_*_number().
void manifest_begin(struct manifest *manifest);

// The number of a name that is known, marked as in use; -ENOENT when it is not known.
int manifest_find_peer(struct manifest *manifest, const char *peer);
int manifest_find_application(struct manifest *manifest, const char *application);
int manifest_find_member(struct manifest *manifest, const char *peer, const struct ip_address *address,
                         uint16_t port);

// The same, and a name that is not known gets a number. -ENOSPC when every number is in use, -ENOENT for a
// member of an unknown peer, -EINVAL for a name that does not fit NAME_SIZE or holds white space.
int manifest_peer_number(struct manifest *manifest, const char *peer);
int manifest_application_number(struct manifest *manifest, const char *application);
int manifest_member_number(struct manifest *manifest, const char *peer, const struct ip_address *address,
                           uint16_t port);

// The name of a number, NULL when it has none. Valid until manifest is changed or freed.
const char *manifest_peer_name(const struct manifest *manifest, uint32_t number);

// Whether a number is an application's.
bool manifest_is_application(const struct manifest *manifest, uint32_t number);

// The member with this number: 0 with its peer's number, address and port (each may be NULL), or -ENOENT.
int manifest_member_name(const struct manifest *manifest, uint32_t number, uint32_t *peer,
                         struct ip_address *address, uint16_t *port);

#endif
