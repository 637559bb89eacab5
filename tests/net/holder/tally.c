// SPDX-License-Identifier: BSD-3-Clause
#include "tally.h"

#include <inttypes.h>

#define SHOWN_MAX 10u

#define TEXT(name, text) text,
static const char *const count_names[] = {TALLY_COUNTS(TEXT)};
static const char *const finding_names[] = {"none", TALLY_FINDINGS(TEXT)};

void tally_count(struct tally *tally, enum tally_count count)
{
    tally->counts[count]++;
}

void tally_finding(struct tally *tally, enum finding finding, const char *message)
{
    tally->findings[finding]++;
    if (tally->shown == SHOWN_MAX)
        return;
    tally->shown++;
    fprintf(stderr, "finding: %s%s%s\n", finding_names[finding], message == NULL ? "" : " in\n",
            message == NULL ? "" : message);
}

uint64_t tally_findings(const struct tally *tally)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < FINDING_END; i++)
        sum += tally->findings[i];
    return sum;
}

void tally_heard(struct tally *tally, uint64_t now_us)
{
    if (tally->heard_us != 0 && now_us - tally->heard_us > tally->silence_us)
        tally->silence_us = now_us - tally->heard_us;
    tally->heard_us = now_us;
}

void tally_mark(struct tally *tally, uint64_t now_us)
{
    tally->heard_us = now_us;
    tally->silence_us = 0;
}

void tally_history(struct tally *tally, uint64_t now_us, const char *call_id, enum history event)
{
    static const char *const names[] = {"confirmed", "ending", "ended"};
    if (tally->history != NULL)
        fprintf(tally->history, "%" PRIu64 " %s %s\n", now_us / 1000, call_id, names[event]);
}

void tally_print(const struct tally *tally, FILE *to)
{
    const char *comma = "";
    for (unsigned i = 0; i < TALLY_COUNT_END; i++)
        fprintf(to, "\"%s\":%" PRIu64 ",", count_names[i], tally->counts[i]);
    fprintf(to, "\"silence_ms\":%" PRIu64 ",\"findings\":%" PRIu64 ",\"found\":{", tally->silence_us / 1000,
            tally_findings(tally));
    for (unsigned i = 0; i < FINDING_END; i++) {
        if (tally->findings[i] == 0)
            continue;
        fprintf(to, "%s\"%s\":%" PRIu64, comma, finding_names[i], tally->findings[i]);
        comma = ",";
    }
    fputc('}', to);
}
