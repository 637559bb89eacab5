// SPDX-License-Identifier: BSD-3-Clause
// One configuration ready to be handed over: what was parsed, its sealed image, and where it came from.
#ifndef DIALGATE_CONTROL_CONFIGURATION_H
#define DIALGATE_CONTROL_CONFIGURATION_H

#include <stddef.h>
#include <stdint.h>
#include "config/config.h"
#include "config/manifest.h"

struct configuration {
    char *file;
    struct config *config; // NULL: this slot is empty, or made by configuration_again()
    int memfd;
    size_t size;
    const struct snapshot_header *image; // memfd mapped read-only
};

struct build {
    struct manifest *manifest;
    const char *directory; // of the manifest
    uint64_t sequence;
    const struct hosts *hosts;     // what DNS said
    const struct overlay *overlay; // what the operator said
    char *error;                   // one line when it fails
    size_t error_size;
};

// Takes over config (freed also when this fails), compiles it, and saves the manifest before anybody can see
// the numbers. Returns 0 or -errno.
int configuration_build(struct configuration *made, struct config *config, const char *file,
                        const struct build *build);
void configuration_free(
    struct configuration *configuration); // an empty one is allowed; it is empty afterwards

// Compiles the same once more under another sequence.
int configuration_renumber(struct configuration *configuration, const struct build *build);

// Compiles the configuration of `from` into made, which has no configuration of its own until
// configuration_inherit() moves it there and leaves `from` empty but for its image. Returns 0 or -errno.
int configuration_again(struct configuration *made, const struct configuration *from,
                        const struct build *build);
void configuration_inherit(struct configuration *made, struct configuration *from);

// A section of the image and its number of elements. The image is our own, so it is not checked again.
const void *configuration_section(const struct configuration *configuration, enum snapshot_section section,
                                  uint32_t *count);
const struct snapshot_peer *configuration_peer(const struct configuration *configuration, uint32_t number);

// The last sequence that was used, kept in DIRECTORY/sequence so that it grows over restarts; 0 when there is
// none.
uint64_t sequence_load(const char *directory);
int sequence_save(const char *directory, uint64_t sequence, char *error, size_t size);

#endif
