// SPDX-License-Identifier: BSD-3-Clause
// The messages that benchmarks of the SIP language work on.
#ifndef DIALGATE_PERF_CORPUS_H
#define DIALGATE_PERF_CORPUS_H

#include <stdint.h>

enum corpus_text { CORPUS_INVITE, CORPUS_200, CORPUS_BYE, CORPUS_COUNT };

struct corpus {
    const char *name; // the file, without its ending
    uint32_t length;  // octets
    uint8_t octets[2048];
};

extern struct corpus corpus[CORPUS_COUNT];

// Reads the files from the folder. Returns 0 or -errno.
int corpus_load(const char *folder);

#endif
