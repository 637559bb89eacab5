// SPDX-License-Identifier: BSD-3-Clause
// Small files of the state directory: written beside and renamed, so that a reader finds the old one or the
// new one whole.
#ifndef DIALGATE_STORE_H
#define DIALGATE_STORE_H

#include <stddef.h>

#define STORE_SNAPSHOT "snapshot" // the configuration accepted last
#define STORE_KEYS     "keys"     // keys.h
#define STORE_HEALTH   "health"   // health.h
#define STORE_BANS     "bans"     // bans.h

// Mode 0600. Returns 0 or -errno.
int store_write(const char *directory, const char *name, const void *octets, size_t size);
// Returns the octets read into a new buffer (*octets, the caller frees it), or -errno: -ENOENT none, -EPERM a
// file that somebody else owns or could read, -EFBIG longer than max.
long store_read(const char *directory, const char *name, size_t max, void **octets);

#endif
