// SPDX-License-Identifier: BSD-3-Clause
#include "tally.h"

#define SHOWN 10u

static const char *const counts[] = {
#define X(name, text) #text,
    TALLY_COUNT_TABLE(X)
#undef X
};

static const char *const findings[] = {"none",
#define X(name, text) #text,
                                       TALLY_FINDING_TABLE(X)
#undef X
};

static const struct {
    const char *name, *what;
} times[] = {
#define X(name, text, what) {#text, what},
    TALLY_TIME_TABLE(X)
#undef X
};

static const char *const kinds[KINDS] = {"plain", "changed", "cancelled", "refused", "options", "hung_up"};

static const struct {
    const char *name;
    double share;
} shares[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};
#define SHARES (sizeof(shares) / sizeof(shares[0]))

void tally_finding(struct tally *tally, enum finding finding, struct span octets)
{
    tally->findings[finding]++;
    if (tally->shown == SHOWN)
        return;
    tally->shown++;
    fprintf(stderr, "callgen: %s\n%.*s\n", findings[finding], (int)octets.length, octets.at ? octets.at : "");
}

bool tally_clean(const struct tally *tally)
{
    uint64_t found = 0;
    for (unsigned i = 0; i < FINDINGS; i++)
        found += tally->findings[i];
    return found == 0 && tally->counts[TALLY_NO_ROOM] == 0 && tally->counts[TALLY_LATE] == 0 &&
           tally->counts[TALLY_COMPLETED] == tally->counts[TALLY_STARTED];
}

static void json_time(const struct histogram *time, const char *name, FILE *to)
{
    fprintf(to, "\"%s\":{\"count\":%llu", name, (unsigned long long)time->count);
    for (unsigned i = 0; i < SHARES; i++)
        fprintf(to, ",\"%s\":%.1f", shares[i].name, (double)histogram_at(time, shares[i].share) / 1e3);
    fprintf(to, ",\"largest\":%.1f,\"mean\":%.1f}", (double)time->largest_ns / 1e3,
            time->count > 0 ? (double)time->sum_ns / (double)time->count / 1e3 : 0);
}

void tally_json(const struct tally *tally, const struct summary *summary, FILE *to)
{
    const char *comma = "";
    fprintf(to, "{\"rate\":%.1f,\"seconds\":%.3f,\"offered_seconds\":%.3f,\"cpu_seconds\":%.3f,\"peak\":%u",
            summary->rate, summary->seconds, summary->offered_seconds, summary->cpu_seconds, tally->peak);
    for (unsigned i = 0; i < TALLY_COUNTS; i++)
        fprintf(to, ",\"%s\":%llu", counts[i], (unsigned long long)tally->counts[i]);
    fprintf(to, ",\"clean\":%s,\"kinds\":{", tally_clean(tally) ? "true" : "false");
    for (unsigned i = 0; i < KINDS; i++)
        fprintf(to, "%s\"%s\":%llu", i > 0 ? "," : "", kinds[i], (unsigned long long)tally->completed[i]);
    fputs("},\"statuses\":{", to);
    for (unsigned i = 0; i < TALLY_STATUSES; i++) {
        if (tally->refused[i] == 0)
            continue;
        fprintf(to, "%s\"%u\":%llu", comma, i, (unsigned long long)tally->refused[i]);
        comma = ",";
    }
    fputs("},\"findings\":{", to);
    for (unsigned i = 1; i < FINDINGS; i++)
        fprintf(to, "%s\"%s\":%llu", i > 1 ? "," : "", findings[i], (unsigned long long)tally->findings[i]);
    fputs("},\"microseconds\":{", to);
    for (unsigned i = 0; i < TIMES; i++) {
        fputs(i > 0 ? "," : "", to);
        json_time(&tally->times[i], times[i].name, to);
    }
    fputs("}}\n", to);
}

void tally_print(const struct tally *tally, const struct summary *summary, FILE *to)
{
    uint64_t completed = tally->counts[TALLY_COMPLETED];
    fprintf(to,
            "asked %.0f a second for %.1f s; completed %llu of %llu, %.0f a second; %.2f us of this "
            "program's CPU each\n",
            summary->rate, summary->offered_seconds, (unsigned long long)completed,
            (unsigned long long)tally->counts[TALLY_STARTED],
            summary->offered_seconds > 0 ? (double)completed / summary->offered_seconds : 0,
            completed > 0 ? summary->cpu_seconds * 1e6 / (double)completed : 0);
    for (unsigned i = 0; i < TALLY_COUNTS; i++)
        if (tally->counts[i] > 0)
            fprintf(to, "%-20s %12llu\n", counts[i], (unsigned long long)tally->counts[i]);
    for (unsigned i = 0; i < TALLY_STATUSES; i++)
        if (tally->refused[i] > 0)
            fprintf(to, "refused with %-7u %12llu\n", i, (unsigned long long)tally->refused[i]);
    for (unsigned i = 1; i < FINDINGS; i++)
        if (tally->findings[i] > 0)
            fprintf(to, "found %-14s %12llu\n", findings[i], (unsigned long long)tally->findings[i]);
    fprintf(to, "%-14s %10s %9s %9s %9s %9s %9s  us\n", "time", "count", "p50", "p90", "p99", "p99.9",
            "largest");
    for (unsigned i = 0; i < TIMES; i++) {
        const struct histogram *time = &tally->times[i];
        if (time->count == 0)
            continue;
        fprintf(to, "%-14s %10llu", times[i].name, (unsigned long long)time->count);
        for (unsigned j = 0; j < SHARES; j++)
            fprintf(to, " %9.1f", (double)histogram_at(time, shares[j].share) / 1e3);
        fprintf(to, " %9.1f  %s\n", (double)time->largest_ns / 1e3, times[i].what);
    }
}
