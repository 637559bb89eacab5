// SPDX-License-Identifier: BSD-3-Clause
// The whole pipeline on an in-memory wire: see README.md.
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "report.h"

#define T1_LEAST_MS  (2 * TICK_MS) // one tick may end at once
#define BATCHES_LATE 8u            // READY_BATCHES of the crowd, and what comes with them

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
    SETTING_MINUTES,
    SETTING_SECONDS,
    SETTING_CALLERS,
    SETTING_CORE,
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
    [SETTING_PREFIXES] = {"prefixes", "of the callers' peer (16)", 1, 16000},
    [SETTING_CALLERS] = {"callers",
                         "one in each prefix, and the others in the last one (as many as prefixes)", 0,
                         16000},
    [SETTING_MEMBERS] = {"members", "of the callees' peer (4)", 1, 4000},
    [SETTING_ROUTES] = {"routes", "in the configuration (3)", 3, ROUTES_MAX},
    [SETTING_T1] = {"t1", "ms; transactions wait for 64 of them (20, or 100 with a clock that runs)",
                    T1_LEAST_MS, 1000},
    [SETTING_MESSAGES] = {"messages", "that the worker receives in a round (1000000)", 1, 10000000000},
    [SETTING_ROUNDS] = {"rounds", "measured, of which the median counts (5)", 1, WIRE_ROUNDS_MAX},
    [SETTING_BATCH] = {"batch", "messages that are sent at once (256, or fewer at a low --rate)", 1, 1024},
    [SETTING_RATE] = {"rate",
                      "messages a second of the worker's clock, and what there is room for (1000000); with "
                      "--minutes or --seconds those that come (half of the highest)",
                      1000, 100000000},
    [SETTING_WHOLE] = {"whole", "compare each octet of one call in so many; 0: of none (64)", 0, UINT32_MAX},
    [SETTING_MINUTES] = {"minutes",
                         "messages come at a rate, far ends on a core of their own: a round a minute", 1,
                         WIRE_ROUNDS_MAX},
    [SETTING_CORE] = {"core", "of the machine, that turns have (0)", 0, 1023},
    [SETTING_SECONDS] = {"seconds", "the same, a round a second", 1, WIRE_ROUNDS_MAX},
    [SETTING_SEED] = {"seed", "of what is drawn (1)", 0, 65535}};

static void usage(FILE *out)
{
    fprintf(out,
            "usage: wire [--mode turns|cores|own|spread|one] [--ipv6] [--sorted] [--json FILE] [--OPTION N "
            "...]\n"
            "  turns: far ends and worker on one core, by turns; cores: on a core each;\n"
            "  own, spread, one: two cores, far ends and a worker on each, and a message comes by its "
            "owner's queue,\n"
            "  by one or the other, or always by the first worker's\n"
            "  --sorted: a batch is of one kind, and each kind has a figure\n");
    for (unsigned i = 1; i < SETTING_COUNT; i++)
        fprintf(out, "  --%-20s %s\n", numbers[i].name, numbers[i].help);
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
    uint32_t *const words[SETTING_COUNT] = {[SETTING_DIALOGS] = &options->dialogs,
                                            [SETTING_PENDING] = &options->pending,
                                            [SETTING_TIMERS] = &options->timers,
                                            [SETTING_PREFIXES] = &options->size.prefixes,
                                            [SETTING_MEMBERS] = &options->size.members,
                                            [SETTING_ROUTES] = &options->size.routes,
                                            [SETTING_T1] = &options->size.t1_ms,
                                            [SETTING_ROUNDS] = &options->rounds,
                                            [SETTING_BATCH] = &options->batch,
                                            [SETTING_RATE] = &options->rate,
                                            [SETTING_WHOLE] = &options->whole,
                                            [SETTING_CALLERS] = &options->size.callers,
                                            [SETTING_CORE] = &options->core};
    if (option == SETTING_MESSAGES)
        options->messages = value;
    else if (option == SETTING_SEED)
        options->seed = value;
    else
        *words[option] = (uint32_t)value;
}

static enum wire_mode mode_of(const char *text)
{
    static const char *const modes[] = {[WIRE_TURNS] = "turns",
                                        [WIRE_CORES] = "cores",
                                        [WIRE_OWN] = "own",
                                        [WIRE_SPREAD] = "spread",
                                        [WIRE_ONE] = "one"};
    for (unsigned i = 0; i < RTE_DIM(modes); i++)
        if (strcmp(text, modes[i]) == 0)
            return (enum wire_mode)i;
    fprintf(stderr, "wire: --mode %s: must be turns, cores, own, spread or one\n", text);
    exit(2);
}

// What was said, beside the options themselves.
struct said {
    bool given[SETTING_COUNT];
    uint64_t minutes, seconds;
    int ipv6, sorted;
    const char *json;
};

// The worker's clock is set: far ends answer some batches later, which must be before it repeats an INVITE.
// A timer of n ticks ends n - 1 of them later, or up to n.
static void fit_batch(struct wire_options *options, bool is_given)
{
    const uint32_t least_ms = (options->size.t1_ms / TICK_MS - 1) * TICK_MS;
    const uint64_t most = (uint64_t)options->rate * least_ms / 1000 / BATCHES_LATE;
    if (options->batch <= most)
        return;
    if (is_given || most == 0) {
        fprintf(stderr,
                "wire: --batch %" PRIu32 " --rate %" PRIu32 " --t1 %" PRIu32
                ": far ends may answer %u batches later, which is more than the %" PRIu32
                " ms after which an INVITE may be repeated: a batch of at most %" PRIu64
                ", a higher rate or T1\n",
                options->batch, options->rate, options->size.t1_ms, BATCHES_LATE, least_ms, most);
        exit(2);
    }
    options->batch = (uint32_t)most;
}

static void complete_turns(struct wire_options *options, const struct said *said)
{
    fit_batch(options, said->given[SETTING_BATCH]);
    if ((double)(options->rounds + 2) * (double)options->messages > 500.0 * options->rate) {
        fprintf(stderr, "wire: more than 500 s of the worker's clock: fewer --messages or a higher --rate\n");
        exit(2);
    }
}

// What follows from the others.
static void complete(struct wire_options *options, const struct said *said)
{
    options->size.ipv6 = said->ipv6 != 0;
    options->sorted = said->sorted != 0;
    if (said->minutes + said->seconds > 0) {
        options->mode = WIRE_CORES;
        options->round_s = said->minutes > 0 ? 60 : 1;
        options->rounds = (unsigned)RTE_MAX(said->minutes, said->seconds);
        options->half = !said->given[SETTING_RATE];
    }
    options->size.workers = options->mode < WIRE_OWN ? 1 : 2;
    // By real clocks: longer than a thread is taken from its core.
    if (options->mode != WIRE_TURNS && !said->given[SETTING_T1])
        options->size.t1_ms = 100;
    if (options->mode == WIRE_TURNS)
        complete_turns(options, said);
    else if (options->sorted) {
        fprintf(stderr, "wire: --sorted is for --mode turns\n");
        exit(2);
    }
}

enum { MODE = SETTING_COUNT, JSON, HELP };

static void take_option(int option, struct wire_options *options, struct said *said)
{
    if (option == '?' || option == HELP) {
        usage(option == '?' ? stderr : stdout);
        exit(option == '?' ? 2 : 0);
    }
    if (option == MODE)
        options->mode = mode_of(optarg);
    else if (option == JSON)
        said->json = optarg;
    else if (option == SETTING_MINUTES)
        said->minutes = number_of(SETTING_MINUTES, optarg);
    else if (option == SETTING_SECONDS)
        said->seconds = number_of(SETTING_SECONDS, optarg);
    else if (option != 0)
        set(options, (enum setting)option, number_of((enum setting)option, optarg));
    if (option < SETTING_COUNT)
        said->given[option] = true;
}

static void read_options(int argc, char **argv, struct wire_options *options, struct said *said)
{
    struct option rows[SETTING_COUNT + 5] = {{0}}; // and none behind them
    for (int i = 1; i < SETTING_COUNT; i++)
        rows[i - 1] = (struct option){numbers[i].name, required_argument, NULL, i};
    rows[SETTING_COUNT - 1] = (struct option){"ipv6", no_argument, &said->ipv6, 1};
    rows[SETTING_COUNT] = (struct option){"sorted", no_argument, &said->sorted, 1};
    rows[SETTING_COUNT + 1] = (struct option){"mode", required_argument, NULL, MODE};
    rows[SETTING_COUNT + 2] = (struct option){"json", required_argument, NULL, JSON};
    rows[SETTING_COUNT + 3] = (struct option){"help", no_argument, NULL, HELP};
    for (int option; (option = getopt_long(argc, argv, "", rows, NULL)) != -1;)
        take_option(option, options, said);
    if (optind < argc) {
        usage(stderr);
        exit(2);
    }
    complete(options, said);
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
    static struct said said;
    read_options(argc, argv, &options, &said);
    if (options.mode == WIRE_TURNS)
        turns_run(&options, &result);
    else if (options.mode == WIRE_CORES)
        cores_run(&options, &result);
    else
        pairs_run(&options, &result);
    report_print(&options, &result);
    if (said.json != NULL && report_json(&result, said.json) != 0) {
        fprintf(stderr, "wire: %s: %s\n", said.json, strerror(errno));
        return 1;
    }
    return result.fault[0] == '\0' ? 0 : 1;
}
