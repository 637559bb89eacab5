// SPDX-License-Identifier: BSD-3-Clause
// The configuration under which the prefilter's two programs are measured.
#ifndef DIALGATE_PERF_PREFIXES_H
#define DIALGATE_PERF_PREFIXES_H

#include <stdbool.h>
#include "fixture.h"

#define PREFIXES_MAX 10000u
#define LONG         "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK776asdhds\r\n"

struct prefixes_image {
    struct image image;
    struct snapshot_source sources[PREFIXES_MAX + 8];
};

// image_usual() with so many more prefixes of peers, of lengths as carriers have them, and limits that nobody
// reaches but, on demand, strangers.
void prefixes_make(struct prefixes_image *image, size_t count, bool no_strangers);

#endif
