// SPDX-License-Identifier: BSD-3-Clause
// The whole pipeline on an in-memory wire: see README.md.
#include "wire.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rte_cycles.h>

enum setting {
    SETTING_DIALOGS = 1,
    SETTING_PENDING,
    SETTING_TIMERS,
    SETTING_PREFIXES,
    SETTING_MEMBERS,
    SETTING_ROUTES,
    SETTING_T1,
    SETTING_MESSAGES,
    SETTING_ROUNDS,
    SETTING_BATCH,
    SETTING_RATE,
    SETTING_WHOLE,
    SETTING_SEED,
    SETTING_COUNT
};

struct number {
    const char *name, *help;
    uint64_t least, most;
};

// By enum setting.
static const struct number numbers[SETTING_COUNT] = {
    [SETTING_DIALOGS] = {"dialogs", "held while it is measured (10000)", 0, 20000000},
    [SETTING_PENDING] = {"transactions-pending", "that wait all the time, of calls that ring (0)", 0,
                         8000000},
    [SETTING_TIMERS] = {"timers", "that pend beside those of dialogs and transactions (0)", 0, 100000000},
    [SETTING_PREFIXES] = {"prefixes", "of the callers' peer, a caller in each (16)", 1, 16000},
    [SETTING_MEMBERS] = {"members", "of the callees' peer (4)", 1, 4000},
    [SETTING_ROUTES] = {"routes", "in the configuration (3)", 3, ROUTES_MAX},
    [SETTING_T1] = {"t1", "ms; transactions wait for 64 of them (20)", 1, 1000},
    [SETTING_MESSAGES] = {"messages", "that the worker receives in a round (1000000)", 1, 10000000000},
    [SETTING_ROUNDS] = {"rounds", "measured, of which the median counts (5)", 1, WIRE_ROUNDS_MAX},
    [SETTING_BATCH] = {"batch", "messages that are sent at once (256)", 1, 1024},
    [SETTING_RATE] = {"rate", "messages a second of the worker's clock (1000000)", 1000, 100000000},
    [SETTING_WHOLE] = {"whole", "compare each octet of one call in so many; 0: of none (64)", 0, UINT32_MAX},
    [SETTING_SEED] = {"seed", "of what is drawn (1)", 0, 65535}};

static void usage(FILE *out)
{
    fprintf(out, "usage: wire [--OPTION N ...] [--ipv6]\n");
    for (unsigned i = 1; i < SETTING_COUNT; i++)
        fprintf(out, "  --%-20s %s\n", numbers[i].name, numbers[i].help);
    fprintf(out, "  --%-20s %s\n", "ipv6", "instead of IPv4");
}

static uint64_t number_of(enum setting option, const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || value < numbers[option].least || value > numbers[option].most) {
        fprintf(stderr, "wire: --%s %s: must be %" PRIu64 " to %" PRIu64 "\n", numbers[option].name, text,
                numbers[option].least, numbers[option].most);
        exit(2);
    }
    return value;
}

static void set(struct wire_options *options, enum setting option, uint64_t value)
{
    uint32_t *const words[SETTING_COUNT] = {
        [SETTING_DIALOGS] = &options->dialogs,      [SETTING_PENDING] = &options->pending,
        [SETTING_TIMERS] = &options->timers,        [SETTING_PREFIXES] = &options->size.prefixes,
        [SETTING_MEMBERS] = &options->size.members, [SETTING_ROUTES] = &options->size.routes,
        [SETTING_T1] = &options->size.t1_ms,        [SETTING_ROUNDS] = &options->rounds,
        [SETTING_BATCH] = &options->batch,          [SETTING_RATE] = &options->rate,
        [SETTING_WHOLE] = &options->whole};
    if (option == SETTING_MESSAGES)
        options->messages = value;
    else if (option == SETTING_SEED)
        options->seed = value;
    else
        *words[option] = (uint32_t)value;
}

static void read_options(int argc, char **argv, struct wire_options *options)
{
    struct option rows[SETTING_COUNT + 2] = {{0}}; // --ipv6, --help, and none behind them
    static int ipv6;
    for (int i = 1; i < SETTING_COUNT; i++)
        rows[i - 1] = (struct option){numbers[i].name, required_argument, NULL, i};
    rows[SETTING_COUNT - 1] = (struct option){"ipv6", no_argument, &ipv6, 1};
    rows[SETTING_COUNT] = (struct option){"help", no_argument, NULL, SETTING_COUNT};
    for (int option; (option = getopt_long(argc, argv, "", rows, NULL)) != -1;) {
        if (option == '?' || option == SETTING_COUNT) {
            usage(option == '?' ? stderr : stdout);
            exit(option == '?' ? 2 : 0);
        }
        if (option != 0)
            set(options, (enum setting)option, number_of((enum setting)option, optarg));
    }
    options->size.ipv6 = ipv6 != 0;
    if ((double)(options->rounds + 2) * (double)options->messages > 500.0 * options->rate) {
        fprintf(stderr,
                "wire: more than 500 s of the worker's clock; ask for fewer --messages or a higher --rate\n");
        exit(2);
    }
    if (optind < argc) {
        usage(stderr);
        exit(2);
    }
}

static int compare(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

static double median(double *values, unsigned n)
{
    qsort(values, n, sizeof(*values), compare);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void print_rounds(const struct wire_result *result)
{
    double message[WIRE_ROUNDS_MAX], call[WIRE_ROUNDS_MAX], tx[WIRE_ROUNDS_MAX];
    const double cycles = (double)rte_get_tsc_hz() / 1e9;
    if (result->count == 0)
        return;
    printf("round   messages    sent    calls  ns/message  cycles  messages/s\n");
    for (unsigned i = 0; i < result->count; i++) {
        const struct wire_round *round = &result->rounds[i];
        message[i] = round->ns / (double)round->received;
        call[i] = round->ns / (double)RTE_MAX(round->calls, 1u);
        tx[i] = round->ns / (double)RTE_MAX(round->sent, 1u);
        printf("%5u %10" PRIu64 " %7" PRIu64 " %8" PRIu64 " %11.0f %7.0f %11.0f\n", i + 1, round->received,
               round->sent, round->calls, message[i], message[i] * cycles, 1e9 / message[i]);
    }
    double ns = median(message, result->count);
    printf(
        "median %.0f ns, %.0f cycles of the TSC a message received: %.0f a second; %.0f ns one sent, %.0f ns "
        "all that comes with a call\n",
        ns, ns * cycles, 1e9 / ns, median(tx, result->count), median(call, result->count));
}

static void print_crowd(const struct wire_result *result)
{
    const struct crowd_count *count = &result->crowd;
    printf("%" PRIu32 " dialogs held, put there by calls (%.1f s of CPU, far ends too); %" PRIu64
           " transactions and %" PRIu64 " timers at the end; %" PRIu64 " MiB resident\n",
           result->held, result->grown_s, result->transactions, result->timers, result->rss_octets >> 20);
    printf("%" PRIu64 " messages of %.0f octets came to the worker, %" PRIu64
           " of %.0f octets (frames) left: %" PRIu64 " calls begun, %" PRIu64 " completed, %" PRIu64
           " cancelled, %" PRIu64 " refused, %" PRIu64 " re-INVITEs, %" PRIu64
           " other requests in dialogs, %" PRIu64 " OPTIONS to us, %" PRIu64 " messages repeated\n",
           count->sent, (double)count->sent_octets / (double)RTE_MAX(count->sent, 1u), count->received,
           (double)count->received_octets / (double)RTE_MAX(count->received, 1u), count->begun,
           count->completed, count->cancelled, count->refused, count->again, count->inside, count->options,
           count->repeated);
    printf("each of them looked at, %" PRIu64 " compared octet by octet: ", count->compared);
}

int main(int argc, char **argv)
{
    static struct wire_result result;
    struct wire_options options = {
        .size = {.prefixes = 16, .members = 4, .routes = 3, .t1_ms = 20, .workers = 1},
        .mix = crowd_mix_usual,
        .dialogs = 10000,
        .whole = 64,
        .batch = 256,
        .rate = 1000000,
        .messages = 1000000,
        .rounds = 5,
        .seed = 1};
    read_options(argc, argv, &options);
    turns_run(&options, &result);
    print_rounds(&result);
    print_crowd(&result);
    if (result.fault[0] != '\0') {
        printf("NO RESULT: %s\n", result.fault);
        return 1;
    }
    printf("nothing lost, nothing wrong, and the worker's counters balance to the packet\n");
    return 0;
}
