// SPDX-License-Identifier: BSD-3-Clause
// What a parser makes of a message, as far as dialogs and transactions depend on it.
#ifndef DIALGATE_TESTS_DIFFERENTIAL_OUTCOME_H
#define DIALGATE_TESTS_DIFFERENTIAL_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIELD_MAX 256u

enum field { FIELD_CALL_ID, FIELD_FROM_TAG, FIELD_TO_TAG, FIELD_CSEQ, FIELD_BRANCH, FIELD_COUNT };

struct outcome {
    bool accepted;
    int fault;                           // of ours: enum message_fault
    char fields[FIELD_COUNT][FIELD_MAX]; // "" when there is none; CSeq as "number method"
};

struct peer {
    const char *name;
    void (*read)(const uint8_t *octets, size_t length, struct outcome *outcome);
};

void outcome_ours(const uint8_t *octets, size_t length, struct outcome *outcome);
void outcome_osip(const uint8_t *octets, size_t length, struct outcome *outcome);
void outcome_sofia(const uint8_t *octets, size_t length, struct outcome *outcome);

void outcome_set(struct outcome *outcome, enum field field, const char *text);

#endif
