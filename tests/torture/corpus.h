// SPDX-License-Identifier: BSD-3-Clause
// The messages of messages/ and their rows in table.tsv.
#ifndef DIALGATE_TESTS_TORTURE_CORPUS_H
#define DIALGATE_TESTS_TORTURE_CORPUS_H

#include <stdint.h>

#define CORPUS_MAX      96u
#define CORPUS_TEXT_MAX 8192u

struct corpus_row {
    char name[40];
    char reference[24];
    char library[32]; // allowed reactions, separated by spaces
    uint32_t length;
    uint8_t octets[CORPUS_TEXT_MAX];
};

extern struct corpus_row corpus[CORPUS_MAX];

// Reads DIRECTORY/table.tsv and its messages into corpus. Returns how many; aborts with a line on stderr when
// something is missing.
unsigned corpus_load(const char *directory);

#endif
